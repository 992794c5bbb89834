"""`tessera invoices`."""

import csv
import json
from io import StringIO

import grpc
import pytest
from google.rpc.error_details_pb2 import ResourceInfo

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
    InvoiceLine,
    ListDraftsRequest,
    ListDraftsResponse,
    ListInvoicesRequest,
    ListInvoicesResponse,
    PreviewInvoiceRequest,
    PreviewInvoiceResponse,
)
from tests.cli.admin.canned import CannedServer, refusal
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import ACCOUNT_ID, at

_NUMBER = "T-2026-000007"
_LINES = (
    InvoiceLine(
        kind="INVOICE_LINE_KIND_BASE_FEE",
        description="Base fee of standard, the tier at the end of 2026-10; not prorated",
        usage_month="2026-10",
        amount_minor_units=4900,
    ),
    InvoiceLine(
        kind="INVOICE_LINE_KIND_USAGE",
        description="Usage of 2026-10: 2,000,000 tokens",
        usage_month="2026-10",
        tokens=2_000_000,
        overage_tokens=1_000_000,
        amount_minor_units=2,
    ),
)
_DRAFTED = Invoice(
    kind="INVOICE_KIND_INVOICE",
    status="INVOICE_STATUS_DRAFT",
    account_id=ACCOUNT_ID,
    account_name="=Acme",
    month="2026-10",
    currency="EUR",
    total_minor_units=4902,
    lines=_LINES,
    tier="standard",
    base_fee_minor_units=4900,
    included_tokens=1_000_000,
    overage_micros_per_million_tokens=20_000,
)
_INVOICE = Invoice()
_INVOICE.CopyFrom(_DRAFTED)
_INVOICE.MergeFrom(
    Invoice(
        number=_NUMBER, status="INVOICE_STATUS_FINAL", finalize_time=at(9), finalized_by="alice"
    )
)
_CREDIT = Invoice(
    number="T-2026-000008",
    kind="INVOICE_KIND_CORRECTION",
    status="INVOICE_STATUS_FINAL",
    account_id=ACCOUNT_ID,
    account_name="=Acme",
    month="2026-10",
    currency="EUR",
    total_minor_units=-1250,
    lines=[
        InvoiceLine(
            kind="INVOICE_LINE_KIND_CORRECTION",
            description=f"Credit to {_NUMBER}: outage",
            usage_month="2026-10",
            amount_minor_units=-1250,
        )
    ],
    corrects=_NUMBER,
    reason="outage",
    finalize_time=at(10),
    finalized_by="alice",
)
_WARNING = "More than 3 times the month before: 49.02 EUR after 9.00 EUR."
_UNPRICED = "There is no price for tier trial in 2026-10."
_DRAFT = Draft(
    account_id=ACCOUNT_ID,
    account_name="=Acme",
    month="2026-10",
    invoices=[_DRAFTED],
    warning=_WARNING,
)
_HINDERED = Draft(account_name="Lab", month="2026-10", hindrance=_UNPRICED)


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_finished_invoices_are_listed_in_major_units(
    server: CannedServer, tessera: Tessera
) -> None:
    """In 100 columns; of an account, of a month, so many."""
    server.answer("ListInvoices", ListInvoicesResponse(invoices=[_CREDIT, _INVOICE]))
    options = ("--account", "Acme", "--month", "2026-10", "--limit", "5")
    shown = tessera("invoices", "list", *options).stdout
    [request] = server.asked(ListInvoicesRequest)
    assert (request.account, request.month, request.page_size) == ("Acme", "2026-10", 5)
    assert max(map(len, shown.splitlines())) <= 100
    for text in (_NUMBER, "correction", "49.02 EUR", "-12.50 EUR", "2026-05-04 09:30"):
        assert text in shown


def test_a_program_gets_an_invoice_in_both_units(server: CannedServer, tessera: Tessera) -> None:
    """What only a month's invoice has is absent elsewhere."""
    server.answer("ListInvoices", ListInvoicesResponse(invoices=[_INVOICE, _CREDIT]))
    output = tessera("invoices", "list", "--output", "json").stdout
    invoice, credit = json.loads(output)["invoices"]
    assert (invoice["total_minor_units"], invoice["total"]) == (4902, "49.02")
    assert (invoice["status"], invoice["kind"]) == ("final", "invoice")
    assert [line["amount"] for line in invoice["lines"]] == ["49.00", "0.02"]
    assert (credit["total"], credit["base_fee_minor_units"]) == ("-12.50", None)


def test_a_spreadsheet_gets_numbers_and_runs_nothing(
    server: CannedServer, tessera: Tessera
) -> None:
    """A name that begins like a formula is text; a credit is a number all the same."""
    server.answer("ListInvoices", ListInvoicesResponse(invoices=[_INVOICE, _CREDIT]))
    rows = _read(tessera("invoices", "list", "--output", "csv").stdout)
    assert [row["account"] for row in rows] == ["'=Acme", "'=Acme"]
    assert [row["total"] for row in rows] == ["49.02", "-12.50"]
    assert (rows[0]["kind"], rows[1]["corrects"]) == ("invoice", _NUMBER)


def test_drafts_are_listed_with_what_to_look_at(server: CannedServer, tessera: Tessera) -> None:
    """Also those that cannot be finished."""
    server.answer("ListDrafts", ListDraftsResponse(drafts=[_DRAFT, _HINDERED]))
    shown = tessera("invoices", "list", "--drafts", "--month", "2026-10").stdout
    assert server.asked(ListDraftsRequest)[0].month == "2026-10"
    assert "49.02 EUR" in shown
    assert "More than 3 times the month before" in shown
    assert "no price for tier trial" in shown
    document = json.loads(tessera("invoices", "list", "--drafts", "--output", "json").stdout)
    assert document["drafts"][0]["invoices"][0]["total"] == "49.02"
    rows = _read(tessera("invoices", "list", "--drafts", "--output", "csv").stdout)
    assert [(row["account"], row["warning"], row["hindrance"]) for row in rows] == [
        ("'=Acme", _WARNING, ""),
        ("Lab", "", _UNPRICED),
    ]


def test_an_invoice_is_shown_line_by_line_with_its_corrections(
    server: CannedServer, tessera: Tessera
) -> None:
    """For people, for programs and for a spreadsheet."""
    server.answer("GetInvoice", GetInvoiceResponse(invoice=_INVOICE, corrections=[_CREDIT]))
    shown = tessera("invoices", "show", _NUMBER).stdout
    assert server.asked(GetInvoiceRequest)[0].number == _NUMBER
    for text in (
        "finished 2026-05-04 09:30 UTC by alice",
        "not prorated",
        "total  49.02 EUR",
        f"corrects {_NUMBER}",
        "total  -12.50 EUR",
    ):
        assert text in shown
    document = json.loads(tessera("invoices", "show", _NUMBER, "--output", "json").stdout)
    assert document["corrections"][0]["reason"] == "outage"
    rows = _read(tessera("invoices", "show", _NUMBER, "--output", "csv").stdout)
    assert [(row["line"], row["tokens"], row["amount"]) for row in rows] == [
        ("base_fee", "0", "49.00"),
        ("usage", "2000000", "0.02"),
        ("correction", "0", "-12.50"),
    ]


def test_a_draft_is_shown_with_what_to_look_at(server: CannedServer, tessera: Tessera) -> None:
    """Beside what was asked for, so that a program can read that alone."""
    server.answer("PreviewInvoice", PreviewInvoiceResponse(draft=_DRAFT))
    result = tessera("invoices", "show", "Acme", "--month", "2026-10")
    [request] = server.asked(PreviewInvoiceRequest)
    assert (request.account, request.month) == ("Acme", "2026-10")
    assert "Draft" in result.stdout
    assert result.stderr == f"{_WARNING}\n"
    document = json.loads(tessera("invoices", "show", "Acme", "--output", "json").stdout)
    assert document["draft"]["warning"] == _WARNING


def test_a_draft_is_finished(server: CannedServer, tessera: Tessera) -> None:
    """A warning is accepted only where that is typed."""
    server.answer("FinalizeInvoice", FinalizeInvoiceResponse(invoices=[_INVOICE]))
    assert _NUMBER in tessera("invoices", "finalize", "Acme", "--month", "2026-10").stdout
    tessera("invoices", "finalize", "Acme", "--month", "2026-10", "--accept-warning")
    first, second = server.asked(FinalizeInvoiceRequest)
    assert (first.account, first.month, first.accept_warning) == ("Acme", "2026-10", False)
    assert second.accept_warning
    assert first.request_id != second.request_id


def test_a_month_is_finished_and_who_is_left_is_told(
    server: CannedServer, tessera: Tessera
) -> None:
    """Account by account."""
    left = FinalizeMonthResponse(account_name="Lab", left_because=_UNPRICED)
    done = FinalizeMonthResponse(account_name="=Acme", invoices=[_INVOICE])
    server.answer("FinalizeMonth", [done, left])
    shown = tessera("invoices", "finalize", "--all", "--month", "2026-10").stdout
    assert server.asked(FinalizeMonthRequest)[0].month == "2026-10"
    assert _NUMBER in shown
    assert "no price for tier" in shown
    output = ("--all", "--month", "2026-10", "--output", "json")
    document = json.loads(tessera("invoices", "finalize", *output).stdout)
    assert document["accounts"][1]["left_because"] == _UNPRICED


@pytest.mark.parametrize(("option", "minor_units"), [("--credit", -1250), ("--charge", 1250)])
def test_a_correction_is_typed_as_a_credit_or_a_charge(
    server: CannedServer, tessera: Tessera, option: str, minor_units: int
) -> None:
    """No sign has to be thought of."""
    server.answer("CorrectInvoice", CorrectInvoiceResponse(correction=_CREDIT))
    words = ("invoices", "correct", _NUMBER, option, "12.50 EUR", "--reason", "outage")
    assert "T-2026-000008" in tessera(*words).stdout
    [request] = server.asked(CorrectInvoiceRequest)
    assert (request.number, request.currency, request.reason) == (_NUMBER, "EUR", "outage")
    assert request.amount_minor_units == minor_units


@pytest.mark.parametrize(
    "words",
    [
        ("correct", _NUMBER, "--reason", "r"),
        ("correct", _NUMBER, "--reason", "r", "--credit", "1 EUR", "--charge", "1 EUR"),
        ("correct", _NUMBER, "--reason", "r", "--credit", "-1 EUR"),
        ("correct", _NUMBER, "--reason", "r", "--credit", "12.50"),
        ("correct", _NUMBER, "--credit", "12.50 EUR"),
        ("finalize", "--month", "2026-10"),
        ("finalize", "Acme", "--all", "--month", "2026-10"),
        ("finalize", "--all", "--accept-warning", "--month", "2026-10"),
        ("finalize", "Acme"),
        ("list", "--drafts", "--account", "Acme"),
    ],
    ids=" ".join,
)
def test_what_could_mean_two_things_is_wrong_usage(
    tessera: Tessera, words: tuple[str, ...]
) -> None:
    """No server is asked."""
    assert tessera("invoices", *words).exit_code == 2


def test_a_number_that_there_is_not_is_told_with_where_to_look(
    server: CannedServer, tessera: Tessera
) -> None:
    """As everywhere."""
    detail = ResourceInfo(resource_type="invoice", resource_name=_NUMBER)
    gone = refusal(grpc.StatusCode.NOT_FOUND, "There is no such invoice.", "NOT_FOUND", detail)
    server.answer("GetInvoice", gone)
    result = tessera("invoices", "show", _NUMBER)
    assert result.exit_code == 1
    assert "There is no such invoice; see `tessera invoices list`" in result.stderr


def test_a_currency_of_a_newer_server_is_not_guessed(
    server: CannedServer, tessera: Tessera
) -> None:
    """How many decimals it has is not known here."""
    odd = Invoice(number=_NUMBER, currency="XYZ", total_minor_units=4900)
    server.answer("ListInvoices", ListInvoicesResponse(invoices=[odd]))
    document = json.loads(tessera("invoices", "list", "--output", "json").stdout)
    assert document["invoices"][0]["total"] == "4900 minor units"
