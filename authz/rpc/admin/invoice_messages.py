"""Invoices and drafts on the wire."""

from authz.domain.administration.invoice import Content, Draft, Invoice, Line
from proto.tessera.admin.v1 import invoices_pb2


def to_invoice(invoice: Invoice) -> invoices_pb2.Invoice:
    """Write a finished invoice."""
    message = _to_message(invoice.content)
    message.number = invoice.number
    message.status = invoices_pb2.INVOICE_STATUS_FINAL
    message.finalize_time.FromDatetime(invoice.finalized_at)
    message.finalized_by = invoice.finalized_by
    return message


def to_draft(draft: Draft) -> invoices_pb2.Draft:
    """Write a draft."""
    message = invoices_pb2.Draft(
        account_id=str(draft.account_id),
        account_name=draft.account_name,
        month=str(draft.month),
        invoices=map(_to_message, draft.contents),
        hindrance=draft.hindrance or "",
        warning=draft.warning or "",
    )
    for each in message.invoices:
        each.status = invoices_pb2.INVOICE_STATUS_DRAFT
    return message


def _to_message(content: Content) -> invoices_pb2.Invoice:
    message = invoices_pb2.Invoice(
        kind=f"INVOICE_KIND_{content.kind.name}",
        account_id=str(content.account_id),
        account_name=content.account_name,
        month=str(content.month),
        currency=content.currency.code,
        total_minor_units=content.total.minor_units,
        lines=map(_to_line, content.lines),
        corrects=content.corrects or "",
        reason=content.reason or "",
    )
    if content.billing is not None:
        terms = content.billing.terms
        message.tier = content.billing.tier
        message.base_fee_minor_units = content.billing.base_fee.minor_units
        message.included_tokens = terms.included_tokens
        message.overage_micros_per_million_tokens = terms.overage.micros_per_million_tokens
    return message


def _to_line(line: Line) -> invoices_pb2.InvoiceLine:
    return invoices_pb2.InvoiceLine(
        kind=f"INVOICE_LINE_KIND_{line.kind.name}",
        description=line.description,
        usage_month=str(line.usage_month),
        tokens=line.tokens,
        overage_tokens=line.overage_tokens,
        amount_minor_units=line.amount.minor_units,
    )
