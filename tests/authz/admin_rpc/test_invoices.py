"""Prices and invoices on the wire, on a real database."""

import base64
import json
from datetime import UTC, datetime

import grpc
import pytest
from google.rpc.error_details_pb2 import ResourceInfo

from authz.domain.administration.month import Month
from proto.tessera.admin.v1.invoices_pb2 import (
    INVOICE_KIND_CORRECTION,
    INVOICE_KIND_INVOICE,
    INVOICE_LINE_KIND_BASE_FEE,
    INVOICE_LINE_KIND_CORRECTION,
    INVOICE_LINE_KIND_USAGE,
    INVOICE_STATUS_DRAFT,
    INVOICE_STATUS_FINAL,
    CorrectInvoiceRequest,
    CorrectInvoiceResponse,
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
from proto.tessera.admin.v1.prices_pb2 import (
    ListPricesRequest,
    ListPricesResponse,
    Price,
    SetPriceRequest,
    SetPriceResponse,
)
from tests.authz.admin_rpc.administered import Administered

_MONTH = Month.of(datetime.now(UTC)).plus(-2)
_PRICE = Price(
    tier="standard",
    valid_from=str(_MONTH.plus(-1)),
    currency="EUR",
    base_fee_minor_units=4900,
    included_tokens=10**6,
    overage_micros_per_million_tokens=20_000,
)


@pytest.fixture
async def billed(admin: Administered) -> Administered:
    """A service with a price, and two accounts that were open in past months."""
    await admin.owner.call(SetPriceRequest(price=_PRICE), SetPriceResponse)
    await admin.make_account("acme")
    await admin.make_account("initech")
    early = "UPDATE account_tiers SET since = $1"
    await admin.connection.execute(early, _MONTH.plus(-1).start)
    return admin


async def _finalize(admin: Administered, account: str = "acme") -> Invoice:
    request = FinalizeInvoiceRequest(account=account, month=str(_MONTH))
    [invoice] = (await admin.owner.call(request, FinalizeInvoiceResponse)).invoices
    return invoice


async def test_a_price_is_set_and_listed(billed: Administered) -> None:
    """Every number as it was sent, and when it was set."""
    [price] = (await billed.owner.call(ListPricesRequest(), ListPricesResponse)).prices
    assert price.set_time.seconds
    price.ClearField("set_time")
    assert price == _PRICE


async def test_a_draft_is_shown_listed_and_finished(billed: Administered) -> None:
    """The finished invoice is the draft with a number, a time and a name."""
    preview = PreviewInvoiceRequest(account="acme", month=str(_MONTH))
    draft = (await billed.owner.call(preview, PreviewInvoiceResponse)).draft
    drafts = await billed.owner.call(ListDraftsRequest(month=str(_MONTH)), ListDraftsResponse)
    assert [each.account_name for each in drafts.drafts] == ["acme", "initech"]
    assert drafts.drafts[0] == draft
    [drafted] = draft.invoices
    assert (drafted.status, drafted.number) == (INVOICE_STATUS_DRAFT, "")
    invoice = await _finalize(billed)
    assert invoice.status == INVOICE_STATUS_FINAL
    assert (invoice.finalized_by, invoice.number[-7:]) == ("local", "-000001")
    assert (invoice.kind, invoice.currency) == (INVOICE_KIND_INVOICE, "EUR")
    assert (invoice.tier, invoice.base_fee_minor_units) == ("standard", 4900)
    assert (invoice.included_tokens, invoice.overage_micros_per_million_tokens) == (10**6, 20_000)
    kinds = [(line.kind, line.amount_minor_units) for line in invoice.lines]
    assert kinds == [(INVOICE_LINE_KIND_BASE_FEE, 4900), (INVOICE_LINE_KIND_USAGE, 0)]
    assert (invoice.total_minor_units, list(invoice.lines)) == (4900, list(drafted.lines))


async def test_an_invoice_is_corrected_and_shown_with_its_correction(billed: Administered) -> None:
    """Both are listed, the newest first."""
    invoice = await _finalize(billed)
    request = CorrectInvoiceRequest(
        number=invoice.number, currency="EUR", amount_minor_units=-100, reason="outage"
    )
    made = (await billed.owner.call(request, CorrectInvoiceResponse)).correction
    assert (made.kind, made.corrects) == (INVOICE_KIND_CORRECTION, invoice.number)
    assert (made.reason, made.total_minor_units) == ("outage", -100)
    assert made.lines[0].kind == INVOICE_LINE_KIND_CORRECTION
    get = GetInvoiceRequest(number=invoice.number)
    found = await billed.owner.call(get, GetInvoiceResponse)
    assert (found.invoice, list(found.corrections)) == (invoice, [made])
    listed = await billed.owner.call(ListInvoicesRequest(account="acme"), ListInvoicesResponse)
    assert list(listed.invoices) == [made, invoice]


async def test_a_month_is_finished_for_every_account(billed: Administered) -> None:
    """Each account is told as it is done; one that is left, with the reason."""
    await billed.connection.execute(
        "UPDATE account_tiers SET tier = 'trial' WHERE account_id ="
        " (SELECT id FROM accounts WHERE name = 'initech')"
    )
    request = FinalizeMonthRequest(month=str(_MONTH))
    steps = await billed.owner.stream(request, FinalizeMonthResponse)
    assert [(each.account_name, len(each.invoices), each.left_because) for each in steps] == [
        ("acme", 1, ""),
        ("initech", 0, f"There is no price for tier trial in {_MONTH}."),
    ]


async def test_what_cannot_be_done_is_told_with_what_it_is_about(billed: Administered) -> None:
    """An invoice by its number, a month by its field."""
    invoice = await _finalize(billed)
    refusal = await billed.refusal(FinalizeInvoiceRequest(account="acme", month=str(_MONTH)))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    resource = refusal.detail("ResourceInfo")
    assert isinstance(resource, ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("invoice", invoice.number)
    refusal = await billed.refusal(GetInvoiceRequest(number="T-2026-999999"))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    refusal = await billed.refusal(PreviewInvoiceRequest(account="acme", month="October"))
    assert refusal.fields == ["month"]
    refusal = await billed.refusal(SetPriceRequest(price=Price(tier="standard")))
    assert refusal.fields == ["price.valid_from", "price.currency"]


@pytest.mark.parametrize(
    ("list_name", "position"), [("invoices", "acme"), ("invoices", "T-2026-1"), ("drafts", "a\0b")]
)
async def test_a_page_token_that_was_made_elsewhere_is_told_from_a_failure(
    admin: Administered, list_name: str, position: str
) -> None:
    """Its sender is told; nobody is told to try again, as if the database were away."""
    of_drafts = list_name == "drafts"
    name = repr(("drafts", "") if of_drafts else ("invoices", "", ""))
    token = base64.urlsafe_b64encode(json.dumps([name, position]).encode()).decode()
    kind = ListDraftsRequest if of_drafts else ListInvoicesRequest
    assert (await admin.refusal(kind(page_token=token))).fields == ["page_token"]


@pytest.mark.parametrize("role", ["support", "portal", "read-only"])
async def test_only_the_owner_decides_about_money(billed: Administered, role: str) -> None:
    """The others look."""
    invoice = await _finalize(billed)
    other = billed.serving.connect_as(role)
    found = await other.call(GetInvoiceRequest(number=invoice.number), GetInvoiceResponse)
    assert found.invoice == invoice
    for request in (
        SetPriceRequest(price=_PRICE),
        FinalizeInvoiceRequest(account="initech", month=str(_MONTH)),
        CorrectInvoiceRequest(number=invoice.number),
    ):
        with pytest.raises(grpc.aio.AioRpcError, match="PERMISSION_DENIED"):
            await other.call(request, FinalizeInvoiceResponse)
    with pytest.raises(grpc.aio.AioRpcError, match="PERMISSION_DENIED"):
        await other.stream(FinalizeMonthRequest(month=str(_MONTH)), FinalizeMonthResponse)
    await other.close()
