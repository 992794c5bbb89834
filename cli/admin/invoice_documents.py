"""Invoices as programs, spreadsheets and people get them."""

from collections.abc import Iterator
from typing import Final

from cli.admin.document import Document, Json, to_document
from cli.admin.money import show_amount, show_money, to_cell
from cli.admin.rows import Column
from cli.admin.times import show_minute
from cli.sheet import Cell
from proto.tessera.admin.v1.invoices_pb2 import (
    INVOICE_KIND_INVOICE,
    Draft,
    FinalizeMonthResponse,
    Invoice,
    InvoiceLine,
)

INVOICE_HEADINGS: Final = (
    *("number", "kind", "status", "account_id", "account", "month", "currency", "total", "tier"),
    *("corrects", "reason", "finalized_at", "finalized_by", "hindrance", "warning"),
)
LINE_HEADINGS: Final = (
    *("number", "kind", "account", "month", "line", "usage_month", "tokens", "overage_tokens"),
    *("currency", "amount", "description"),
)


def invoice_to_document(invoice: Invoice) -> Document:
    """Return an invoice with its amounts in major units, too."""
    lines: list[Json] = [
        to_document(line) | {"amount": show_amount(line.amount_minor_units, invoice.currency)}
        for line in invoice.lines
    ]
    total = show_amount(invoice.total_minor_units, invoice.currency)
    return to_document(invoice) | _terms(invoice) | {"total": total, "lines": lines}


def draft_to_document(draft: Draft) -> Document:
    """Return a draft with its amounts in major units, too."""
    return to_document(draft) | {"invoices": [invoice_to_document(each) for each in draft.invoices]}


def step_to_document(step: FinalizeMonthResponse) -> Document:
    """Return what became of an account's month."""
    return to_document(step) | {"invoices": [invoice_to_document(each) for each in step.invoices]}


def invoice_to_cells(invoice: Invoice, draft: Draft | None = None) -> tuple[Cell, ...]:
    """Return an invoice's row."""
    document = to_document(invoice)
    return (
        *(_text(document[name]) for name in ("number", "kind", "status", "account_id")),
        invoice.account_name,
        invoice.month,
        invoice.currency,
        to_cell(show_amount(invoice.total_minor_units, invoice.currency)),
        *(_text(document[name]) for name in ("tier", "corrects", "reason", "finalize_time")),
        _text(document["finalized_by"]),
        (draft and draft.hindrance) or None,
        (draft and draft.warning) or None,
    )


def draft_to_cells(draft: Draft) -> Iterator[tuple[Cell, ...]]:
    """Return a row for each of a draft's invoices; where a price is missing, one that says so."""
    if not draft.invoices:
        unpriced = (draft.account_id, draft.account_name, draft.month, *(None,) * 7)
        yield (None, None, "draft", *unpriced, draft.hindrance, draft.warning or None)
    for each in draft.invoices:
        yield invoice_to_cells(each, draft)


def lines_to_cells(invoice: Invoice) -> Iterator[tuple[Cell, ...]]:
    """Return a row for each line of an invoice."""
    kind = _text(to_document(invoice)["kind"])
    for line in invoice.lines:
        yield (
            *(invoice.number or None, kind, invoice.account_name, invoice.month),
            *(_text(to_document(line)["kind"]), line.usage_month),
            *(line.tokens, line.overage_tokens, invoice.currency),
            *(to_cell(show_amount(line.amount_minor_units, invoice.currency)), line.description),
        )


def _terms(invoice: Invoice) -> Document:
    """Return by what the month was billed: nothing for what is no month's invoice."""
    if invoice.kind == INVOICE_KIND_INVOICE:
        return {}
    names = ("base_fee_minor_units", "included_tokens", "overage_micros_per_million_tokens")
    return dict.fromkeys(names)


def _text(value: Json) -> Cell:
    return None if value is None else str(value)


def _word(invoice: Invoice) -> str:
    return _text(to_document(invoice)["kind"]) or ""  # type: ignore[return-value] # a word


def _total(invoice: Invoice) -> str:
    return show_money(invoice.total_minor_units, invoice.currency)


def _note(draft: Draft) -> str:
    return " ".join(text for text in (draft.hindrance, draft.warning) if text)


def _totals(draft: Draft) -> str:
    return ", ".join(map(_total, draft.invoices)) or "-"


INVOICE_COLUMNS: Final[tuple[Column[Invoice], ...]] = (
    Column("number", lambda invoice: invoice.number, 13),
    Column("kind", _word, 10),
    Column("account", lambda invoice: invoice.account_name),
    Column("month", lambda invoice: invoice.month, 7),
    Column("total", _total, 18),
    Column("finished (UTC)", lambda invoice: show_minute(invoice.finalize_time), 16),
)
DRAFT_COLUMNS: Final[tuple[Column[Draft], ...]] = (
    Column("account", lambda draft: draft.account_name),
    Column("month", lambda draft: draft.month, 7),
    Column("total", _totals, 18),
    Column("to look at", _note, 44),
)
STEP_COLUMNS: Final[tuple[Column[FinalizeMonthResponse], ...]] = (
    Column("account", lambda step: step.account_name),
    Column("number", lambda step: ", ".join(each.number for each in step.invoices) or "-", 13),
    Column("total", lambda step: ", ".join(map(_total, step.invoices)) or "-", 18),
    Column("left as a draft", lambda step: step.left_because, 36),
)


def line_columns(invoice: Invoice) -> tuple[Column[InvoiceLine], ...]:
    """Return the columns of an invoice's lines."""
    return (
        Column("what for", lambda line: line.description),
        Column("amount", lambda line: show_money(line.amount_minor_units, invoice.currency), 18),
    )
