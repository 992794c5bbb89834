"""The audit, read and verified."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from authz.domain.administration.audit import AuditEntry, Verification
from authz.domain.administration.audit_chain import START, Ending, Fault, Head, find_fault, follow
from authz.domain.administration.fields import NAME_MAX, Fields
from authz.domain.administration.paging import bad_position, make_page, read_position
from authz.domain.administration.records import Page, PageRequest
from authz.domain.pepper import Peppers
from authz.service.admin.ports import Database

_STEP: Final = 10_000
_NUMBER_MAX: Final = 2**63 - 1


class Audit:
    """Every change that was made. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(
        self, database: Database, peppers: Callable[[], Peppers], step: int = _STEP
    ) -> None:
        self._database = database
        self._peppers = peppers
        self._step = step

    async def list(self, page: PageRequest, subject: str = "", actor: str = "") -> Page[AuditEntry]:
        """Return entries, the newest first."""
        _check_filter(subject, actor)
        list_name = repr((subject, actor))
        before = _parse_position(read_position(page, list_name))
        async with self._database.session() as tables:
            found = await tables.audit.list(
                subject=subject, actor=actor, before=before, limit=page.size + 1
            )
        return make_page(found, page.size, list_name, lambda entry: str(entry.number))

    async def verify(self) -> AsyncIterator[Verification]:
        """Follow the whole chain, then look at its end; tell of every step.

        The end is read first: what is added from then on belongs to the next time. No transaction
        lasts for longer than a step, however slowly the steps are taken.
        """
        async with self._database.session() as tables:
            ending = await tables.audit.read_ending(self._database.recall_head())
        head = START
        while head.number < ending.last.number:
            entries = await self._read_on(head, ending.last)
            # In a thread, because hashing that many would hold up every other call.
            result = await asyncio.to_thread(follow, head, entries)
            if isinstance(result, Fault):
                yield _found(result, ending)
                return
            if result == head:
                yield _found(_missing(head), ending)
                return
            head = result
            yield Verification(head.number, ending.last.number, done=False, head=head.hash)
        yield await self._conclude(head, ending)

    async def _read_on(self, head: Head, last: Head) -> tuple[AuditEntry, ...]:
        # From before the first number, for an entry may have been slipped in there.
        after = None if head == START else head.number
        async with self._database.session() as tables:
            return tuple(await tables.audit.read_on(after, last.number, self._step))

    async def _conclude(self, head: Head, ending: Ending) -> Verification:
        fault = find_fault(ending, self._peppers())
        if fault is not None:
            return _found(fault, ending)
        await self._database.remember_head(head)
        return Verification(head.number, head.number, done=True, head=head.hash)


def _found(fault: Fault, ending: Ending) -> Verification:
    return Verification(
        verified=max(fault.number - 1, 0),
        total=ending.last.number,
        done=True,
        head=ending.last.hash,
        fault=fault.sentence,
        fault_number=fault.number,
    )


def _missing(head: Head) -> Fault:
    return Fault(f"Entry {head.number + 1} is missing.", head.number + 1)


def _check_filter(subject: str, actor: str) -> None:
    fields = Fields()
    fields.text("subject", subject, NAME_MAX)
    fields.text("actor", actor, NAME_MAX)
    fields.check()


def _parse_position(position: str | None) -> int | None:
    if position is None:
        return None
    try:
        number = int(position)
    except ValueError:
        raise bad_position() from None
    if not 0 < number <= _NUMBER_MAX:
        raise bad_position()
    return number
