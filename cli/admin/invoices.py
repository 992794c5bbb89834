"""`tessera invoices`: what accounts are billed for each month."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Annotated, TypeAlias

import typer

from cli.admin.command import Admin, command
from cli.admin.document import Document
from cli.admin.invoice_documents import (
    DRAFT_COLUMNS,
    INVOICE_COLUMNS,
    INVOICE_HEADINGS,
    LINE_HEADINGS,
    STEP_COLUMNS,
    draft_to_cells,
    draft_to_document,
    invoice_to_cells,
    invoice_to_document,
    line_columns,
    lines_to_cells,
    step_to_document,
)
from cli.admin.money import parse_money, show_money
from cli.admin.options import Limit
from cli.admin.pages import walk
from cli.admin.times import show_minute
from contract.money import Money
from proto.tessera.admin.v1.invoices_pb2 import (
    CorrectInvoiceRequest,
    CorrectInvoiceResponse,
    Draft,
    FinalizeInvoiceRequest,
    FinalizeInvoiceResponse,
    FinalizeMonthRequest,
    FinalizeMonthResponse,
    GetInvoiceRequest,
    GetInvoiceResponse,
    Invoice,
    ListDraftsRequest,
    ListDraftsResponse,
    ListInvoicesRequest,
    ListInvoicesResponse,
    PreviewInvoiceRequest,
    PreviewInvoiceResponse,
)

_NUMBER: str = "T-"

app = typer.Typer(
    help="What accounts are billed for each month.", no_args_is_help=True, rich_markup_mode=None
)

Month: TypeAlias = Annotated[str, typer.Option(metavar="MONTH", help="Of UTC, like 2026-10.")]
Amount: TypeAlias = Annotated[
    Money | None, typer.Option(metavar="AMOUNT", parser=parse_money, help="Like '12.50 EUR'.")
]


@app.callback()
def invoices() -> None:
    """Invoices: drafts until they are finished; then they have a number and never change."""


@command(
    app,
    "list",
    "tessera invoices list --account Acme",
    "tessera invoices list --drafts",
    "tessera invoices list --month 2026-10 --output csv > invoices.csv",
    with_csv=True,
)
def list_invoices(
    admin: Admin,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Only of this one.")] = "",
    month: Month = "",
    limit: Limit = None,
    *,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Those not finished; of last month, or of --month.")
    ] = False,
) -> None:
    """List finished invoices and corrections, the newest first; or a month's drafts.

    A draft that cannot be finished, or costs over 3 times the month before, says so.
    """
    if drafts and account:
        raise typer.BadParameter("--drafts lists every account's; `show ACCOUNT` shows one.")
    if drafts:
        request = ListDraftsRequest(month=month)
        _show_drafts(admin, walk(admin.client, request, ListDraftsResponse, _drafts_of, limit))
        return
    wanted = ListInvoicesRequest(account=account, month=month)
    pages = walk(admin.client, wanted, ListInvoicesResponse, _invoices_of, limit)
    if admin.screen.as_csv:
        rows = (invoice_to_cells(each) for page in pages for each in page)
        admin.screen.write_sheet(INVOICE_HEADINGS, rows)
        return
    admin.screen.show_pages("invoices", pages, INVOICE_COLUMNS, invoice_to_document)


@command(
    app,
    "show",
    "tessera invoices show T-2026-000001",
    "tessera invoices show Acme --month 2026-10",
    "tessera invoices show Acme --output json | jq '.draft.invoices[].lines'",
    with_csv=True,
)
def show(
    admin: Admin,
    what: Annotated[
        str, typer.Argument(metavar="NUMBER|ACCOUNT", help="A finished invoice, or whose draft.")
    ],
    month: Month = "",
) -> None:
    """Show an invoice and what corrects it, line by line; or an account's draft.

    A draft is of last month, or of --month.
    """
    if what.startswith(_NUMBER):
        found = admin.client.call(GetInvoiceRequest(number=what), GetInvoiceResponse)
        document: Document = {
            "invoice": invoice_to_document(found.invoice),
            "corrections": [invoice_to_document(each) for each in found.corrections],
        }
        _show(admin, [found.invoice, *found.corrections], document)
        return
    request = PreviewInvoiceRequest(account=what, month=month)
    draft = admin.client.call(request, PreviewInvoiceResponse).draft
    _show(admin, draft.invoices, {"draft": draft_to_document(draft)})
    for text in filter(None, (draft.hindrance, draft.warning)):
        admin.screen.note(text)


@command(
    app,
    "finalize",
    "tessera invoices finalize Acme --month 2026-10",
    "tessera invoices finalize --all --month 2026-10",
)
def finalize(
    admin: Admin,
    month: Annotated[str, typer.Option(metavar="MONTH", help="Of UTC, like 2026-10.")],
    account: Annotated[
        str, typer.Argument(metavar="[ACCOUNT]", help="Its name or id.", show_default=False)
    ] = "",
    *,
    all_accounts: Annotated[
        bool, typer.Option("--all", help="Every account; drafts to look at are left.")
    ] = False,
    accept_warning: Annotated[
        bool, typer.Option("--accept-warning", help="Finish a draft although it has a warning.")
    ] = False,
) -> None:
    """Finish an account's draft, or all of a month: from then on it never changes.

    Refused until the month's usage has settled, and for a draft with a warning.
    """
    if all_accounts == bool(account) or (all_accounts and accept_warning):
        raise typer.BadParameter("Name an account, or say --all, which accepts no warning.")
    if all_accounts:
        steps = admin.client.stream(FinalizeMonthRequest(month=month), FinalizeMonthResponse)
        pages: Iterator[Sequence[FinalizeMonthResponse]] = ([step] for step in steps)
        if_none = f"No account has anything left to be finished of {month}."
        admin.screen.show_pages("accounts", pages, STEP_COLUMNS, step_to_document, if_none)
        return
    request = FinalizeInvoiceRequest(account=account, month=month, accept_warning=accept_warning)
    response = admin.client.call(request, FinalizeInvoiceResponse)
    finished = [response.invoices]
    admin.screen.show_pages("invoices", finished, INVOICE_COLUMNS, invoice_to_document)


@command(
    app,
    "correct",
    "tessera invoices correct T-2026-000001 --credit '12.50 EUR' --reason 'outage of 4 October'",
    "tessera invoices correct T-2026-000001 --charge '5.00 EUR' --reason 'agreed by mail'",
)
def correct(
    admin: Admin,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Of a finished invoice.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the correction.")],
    credit: Amount = None,
    charge: Amount = None,
) -> None:
    """Credit or charge what a finished invoice got wrong, by a document of its own."""
    if (credit is None) == (charge is None):
        raise typer.BadParameter("Say either --credit or --charge.")
    amount = -credit if credit is not None else charge
    assert amount is not None  # noqa: S101 one of them was given
    request = CorrectInvoiceRequest(
        number=number,
        currency=amount.currency.code,
        amount_minor_units=amount.minor_units,
        reason=reason,
    )
    made = admin.client.call(request, CorrectInvoiceResponse).correction
    _show(admin, [made], {"correction": invoice_to_document(made)})


def _show_drafts(admin: Admin, pages: Iterable[Sequence[Draft]]) -> None:
    if admin.screen.as_csv:
        drafts = chain.from_iterable(pages)
        rows = chain.from_iterable(map(draft_to_cells, drafts))
        admin.screen.write_sheet(INVOICE_HEADINGS, rows)
        return
    admin.screen.show_pages("drafts", pages, DRAFT_COLUMNS, draft_to_document)


def _show(admin: Admin, shown: Sequence[Invoice], document: Document) -> None:
    if admin.screen.as_json:
        admin.screen.write_json(document)
    elif admin.screen.as_csv:
        admin.screen.write_sheet(LINE_HEADINGS, chain.from_iterable(map(lines_to_cells, shown)))
    else:
        for each in shown:
            _print(admin, each)


def _print(admin: Admin, invoice: Invoice) -> None:
    """Write an invoice for people."""
    finished = show_minute(invoice.finalize_time)
    state = f"finished {finished} UTC by {invoice.finalized_by}" if finished else "draft"
    admin.screen.print(f"{invoice.number or 'Draft'}  {invoice.account_name}  {invoice.month}")
    admin.screen.print(f"{state}{f'; corrects {invoice.corrects}' if invoice.corrects else ''}")
    admin.screen.print("")
    admin.screen.show_rows(invoice.lines, line_columns(invoice))
    admin.screen.print(f"total  {show_money(invoice.total_minor_units, invoice.currency)}")
    admin.screen.print("")


def _invoices_of(response: ListInvoicesResponse) -> Sequence[Invoice]:
    return response.invoices


def _drafts_of(response: ListDraftsResponse) -> Sequence[Draft]:
    return response.drafts
