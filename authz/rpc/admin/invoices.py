"""InvoiceService."""

from collections.abc import AsyncIterator

from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import reading
from authz.rpc.admin.invoice_messages import to_draft, to_invoice
from authz.service.admin.corrections import Corrections
from authz.service.admin.invoices import Invoices
from authz.service.admin.invoicing import Invoicing
from proto.tessera.admin.v1.invoices_pb2 import (
    CorrectInvoiceRequest,
    CorrectInvoiceResponse,
    FinalizeInvoiceRequest,
    FinalizeInvoiceResponse,
    FinalizeMonthRequest,
    FinalizeMonthResponse,
    GetInvoiceRequest,
    GetInvoiceResponse,
    ListDraftsRequest,
    ListDraftsResponse,
    ListInvoicesRequest,
    ListInvoicesResponse,
    PreviewInvoiceRequest,
    PreviewInvoiceResponse,
)


class InvoiceServicer:
    """Unpacks, calls, packs."""

    def __init__(self, invoices: Invoices, invoicing: Invoicing, corrections: Corrections) -> None:
        self._invoices = invoices
        self._invoicing = invoicing
        self._corrections = corrections

    async def list_invoices(self, request: ListInvoicesRequest, _: Call) -> ListInvoicesResponse:
        """Return one page of finished invoices."""
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
        found = await self._invoices.list(request.account, request.month, page)
        return ListInvoicesResponse(
            invoices=map(to_invoice, found.items), next_page_token=found.next_token or ""
        )

    async def get_invoice(self, request: GetInvoiceRequest, _: Call) -> GetInvoiceResponse:
        """Return a finished invoice, and what corrects it."""
        with reading() as fields:
            number = fields.required("number", request.number)
        invoice, corrections = await self._invoices.get(number)
        return GetInvoiceResponse(
            invoice=to_invoice(invoice), corrections=map(to_invoice, corrections)
        )

    async def list_drafts(self, request: ListDraftsRequest, _: Call) -> ListDraftsResponse:
        """Return one page of drafts."""
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
        found = await self._invoices.list_drafts(request.month, page)
        return ListDraftsResponse(
            drafts=map(to_draft, found.items), next_page_token=found.next_token or ""
        )

    async def preview_invoice(
        self, request: PreviewInvoiceRequest, _: Call
    ) -> PreviewInvoiceResponse:
        """Return an account's draft."""
        with reading() as fields:
            account = fields.required("account", request.account)
        draft = await self._invoices.preview(account, request.month)
        return PreviewInvoiceResponse(draft=to_draft(draft))

    async def finalize_invoice(
        self, request: FinalizeInvoiceRequest, call: Call
    ) -> FinalizeInvoiceResponse:
        """Finish an account's draft."""
        with reading() as fields:
            change = call.change(request, fields)
            account = fields.required("account", request.account)
        finished = await self._invoicing.finalize(
            change, account, request.month, accept_warning=request.accept_warning
        )
        return FinalizeInvoiceResponse(invoices=map(to_invoice, finished))

    async def finalize_month(
        self, request: FinalizeMonthRequest, call: Call
    ) -> AsyncIterator[FinalizeMonthResponse]:
        """Tell of each account what became of its draft."""
        with reading() as fields:
            change = call.change(request, fields)
        async for step in self._invoicing.finalize_month(change, request.month):
            yield FinalizeMonthResponse(
                account_name=step.account_name,
                invoices=map(to_invoice, step.invoices),
                left_because=step.left_because or "",
            )

    async def correct_invoice(
        self, request: CorrectInvoiceRequest, call: Call
    ) -> CorrectInvoiceResponse:
        """Credit or charge what a finished invoice got wrong."""
        with reading() as fields:
            change = call.change(request, fields)
            number = fields.required("number", request.number)
        correction = await self._corrections.correct(
            change, number, request.currency, request.amount_minor_units, request.reason
        )
        return CorrectInvoiceResponse(correction=to_invoice(correction))
