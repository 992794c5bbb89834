"""The one way in which accounts, keys, tiers and peppers are changed."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, NothingMade
from authz.domain.administration.audit_chain import Ending, Head, find_fault
from authz.domain.administration.canonical import Facts, write_facts
from authz.domain.administration.refusals import PreconditionError, RequestIdReusedError
from authz.domain.pepper import Peppers
from authz.storage.admin.connection import Connection
from authz.storage.admin.tables import Tables

T = TypeVar("T")

Work = Callable[[Tables, datetime], Awaitable[Made[T] | NothingMade[T]]]
Replay = Callable[[Tables, AuditEntry], Awaitable[T]]


async def make_change(
    connection: Connection,
    peppers: Peppers,
    remembered: Head | None,
    request: ChangeRequest,
    work: Work[T],
    replay: Replay[T],
) -> tuple[T, Head | None]:
    """Do `work` and audit it in one transaction, while nobody else changes the directory.

    A request whose id is in the audit did its work before: then `replay` tells how things are now.
    Returns what they return, and the audit's new end if there is one.

    Raises:
        RefusedError: of `work`; the id is another request's; or the audit's end is not as it was
            left, so that nothing may be added to it.
    """
    async with connection.transaction():
        tables = Tables(connection)
        at = await tables.lock()
        entry = await tables.audit.find(request.id)
        if entry is not None:
            _check_same(request, entry)
            return await replay(tables, entry), None
        ending = await tables.audit.read_ending(remembered)
        _check_ending(ending, peppers)
        made = await work(tables, at)
        if isinstance(made, NothingMade):
            return made.value, None
        described = _describe(request, made, ending.last.number + 1, at)
        return made.value, await tables.audit.append(ending.last, described, peppers)


def _check_same(request: ChangeRequest, entry: AuditEntry) -> None:
    if request.digest != entry.request_digest or request.method != entry.method:
        raise RequestIdReusedError("was used before, by another request; choose a new UUID")


def _check_ending(ending: Ending, peppers: Peppers) -> None:
    """Refuse to go on from an end that is not ours: the next seal would make it look so."""
    fault = find_fault(ending, peppers)
    if fault is not None:
        raise PreconditionError(
            "audit",
            str(fault.number),
            f"Nothing is changed until it is settled why the audit is not as it was left."
            f" {fault.sentence}",
        )


def _describe(request: ChangeRequest, made: Made[T], number: int, at: datetime) -> AuditEntry:
    return AuditEntry(
        number=number,
        at=at,
        actor=request.actor.name,
        role=request.actor.role,
        address=request.actor.address,
        method=request.method,
        subject_kind=made.kind,
        subject=made.subject,
        request_id=request.id,
        request_digest=request.digest,
        before=_write(made.before),
        after=_write(made.after),
        hash=b"",
    )


def _write(facts: Facts | None) -> str | None:
    return None if facts is None else write_facts(facts)
