"""AuditService."""

from collections.abc import AsyncIterator

from authz.domain.administration.audit import AuditEntry, Verification
from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import reading
from authz.rpc.admin.times import to_timestamp
from authz.service.admin.audit import Audit
from proto.tessera.admin.v1 import audit_pb2
from proto.tessera.admin.v1.audit_pb2 import (
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    VerifyAuditRequest,
    VerifyAuditResponse,
)


class AuditServicer:
    """Unpacks, calls, packs."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def list_audit_entries(
        self, request: ListAuditEntriesRequest, _: Call
    ) -> ListAuditEntriesResponse:
        """Return one page of entries."""
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
        found = await self._audit.list(page, request.subject, request.actor)
        return ListAuditEntriesResponse(
            entries=map(_to_entry, found.items), next_page_token=found.next_token or ""
        )

    async def verify_audit(
        self, _: VerifyAuditRequest, __: Call
    ) -> AsyncIterator[VerifyAuditResponse]:
        """Tell how far the chain was read, and at last whether it is whole."""
        async for progress in self._audit.verify():
            yield _to_progress(progress)


def _to_entry(entry: AuditEntry) -> audit_pb2.AuditEntry:
    return audit_pb2.AuditEntry(
        number=entry.number,
        time=to_timestamp(entry.at),
        actor=entry.actor,
        role=entry.role,
        address=entry.address,
        method=entry.method,
        subject_kind=entry.subject_kind,
        subject=entry.subject,
        request_id=str(entry.request_id),
        before=entry.before or "",
        after=entry.after or "",
        hash=entry.hash,
    )


def _to_progress(progress: Verification) -> VerifyAuditResponse:
    return VerifyAuditResponse(
        verified=progress.verified,
        total=progress.total,
        done=progress.done,
        fault=progress.fault or "",
        fault_number=progress.fault_number or 0,
        head=progress.head,
    )
