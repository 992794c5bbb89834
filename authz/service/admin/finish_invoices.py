"""Stores finished invoices, under the next numbers, with what the audit tells of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.invoice import Content, Invoice
from authz.domain.administration.invoice_audit import describe_invoices
from authz.service.admin.tables import Tables


async def finish(
    tables: Tables, contents: Sequence[Content], change: ChangeRequest, at: datetime
) -> Made[tuple[Invoice, ...]]:
    """Make invoices of contents, of which there is at least one, in the transaction of a change."""
    invoices = tuple([await _finish(tables, content, change, at) for content in contents])
    facts = describe_invoices(invoices)
    return Made(SubjectKind.INVOICE, invoices[0].number, None, facts, invoices)


async def tell_finished(tables: Tables, entry: AuditEntry) -> tuple[Invoice, ...]:
    """Return what a request finished that was made before."""
    return tuple(await tables.invoices.list_made_by(entry.request_id))


async def _finish(tables: Tables, content: Content, change: ChangeRequest, at: datetime) -> Invoice:
    number = await tables.invoices.next_number(at.astimezone(UTC).year)
    invoice = Invoice(number, content, at, change.actor.name)
    await tables.invoices.insert(invoice, change.id)
    return invoice
