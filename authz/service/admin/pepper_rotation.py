"""Peppers: a new one made current while keys stay in use, an old one retired."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, NothingMade, SubjectKind
from authz.domain.administration.canonical import Facts
from authz.domain.administration.records import PepperRecord, PepperStatus, ProcessRecord
from authz.domain.administration.refusals import NotFoundError, PreconditionError
from authz.domain.directory import KeyId, PepperId
from authz.domain.pepper import Peppers
from authz.service.admin.acknowledgements import FENCE_MARGIN
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables

_BATCH: Final = 500
_BEFORE_ALL: Final = KeyId(UUID(int=0))

Needs = Mapping[tuple[PepperId, ...], int]


@dataclass(frozen=True, slots=True)
class PepperState:
    """Which peppers there are, and who knows which."""

    peppers: tuple[PepperRecord, ...]
    processes: tuple[ProcessRecord, ...]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """How far a rotation is."""

    wrapped: int
    total: int
    done: bool
    pepper_id: PepperId


class PepperRotation:
    """Peppers and the keys that need them. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(
        self, database: Database, peppers: Callable[[], Peppers], batch: int = _BATCH
    ) -> None:
        self._database = database
        self._peppers = peppers
        self._batch = batch

    async def status(self) -> PepperState:
        """Return every pepper, and every process that may still answer."""
        async with self._database.snapshot() as tables:
            records = await tables.peppers.list()
            needs = await tables.peppers.count_working_keys()
            processes = await tables.processes.list_unfenced(FENCE_MARGIN)
        return PepperState(self._complete(records, needs), tuple(processes))

    async def rotate(self, change: ChangeRequest) -> AsyncIterator[Wrapped]:
        """Make the newest pepper current and wrap every key's digest under it; tell of every step.

        The first step alone is audited. Stopped at any moment, even by a crash, all keys work: any
        further call goes on, with the same request id or another.
        """
        newest = self._peppers().newest.id
        async with self._database.session() as tables:
            total = await tables.peppers.count_unwrapped(newest)

        async def begin(tables: Tables, at: datetime) -> Made[None] | NothingMade[None]:
            return await _begin(tables, at, newest, total)

        await self._database.change(change, begin, _replay_nothing)
        wrapped, last = 0, _BEFORE_ALL
        while batch := await self._wrap(newest, last):
            wrapped, last = wrapped + len(batch), batch[-1]
            yield Wrapped(wrapped, max(wrapped, total), done=False, pepper_id=newest)
        yield Wrapped(wrapped, wrapped, done=True, pepper_id=newest)

    async def retire(self, change: ChangeRequest, pepper_id: str) -> PepperRecord:
        """Declare that no key that works needs a pepper; keys that have expired are revoked."""
        # Counted before anybody has to wait: no key is ever again made under a pepper that was
        # current once, so there can only be fewer.
        record = next(
            (each for each in (await self.status()).peppers if each.id == pepper_id), None
        )
        if record is None:
            raise NotFoundError("pepper", pepper_id, "There is no such pepper.")

        async def work(tables: Tables, at: datetime) -> Made[PepperRecord]:
            await _check_retirable(tables, record)
            after = record
            if record.status is not PepperStatus.RETIRED:
                await tables.peppers.revoke_expired(record.id, at)
                await tables.peppers.retire(record.id, at)
                after = replace(record, status=PepperStatus.RETIRED, since=at)
            before, now = {"status": str(record.status)}, {"status": str(after.status)}
            return Made(SubjectKind.PEPPER, pepper_id, before, now, after)

        async def replay(_: Tables, __: AuditEntry) -> PepperRecord:
            return record

        return await self._database.change(change, work, replay)

    async def _wrap(self, pepper_id: PepperId, after: KeyId) -> Sequence[KeyId]:
        """Wrap the next keys; return which."""
        async with self._database.maintenance() as tables:
            await tables.lock()
            await _check_still_current(tables, pepper_id)
            found = await tables.peppers.read_unwrapped(pepper_id, after, self._batch)
            peppers = self._peppers()
            wrapped = {key_id: peppers.wrap(digest, pepper_id) for key_id, digest in found}
            await tables.peppers.wrap(wrapped, pepper_id)
        return list(wrapped)

    def _complete(self, records: Sequence[PepperRecord], needs: Needs) -> tuple[PepperRecord, ...]:
        """Return the records with their keys, and those that nobody recorded yet."""
        known = {record.id: record for record in records}
        for pepper_id in (each for chain in needs for each in chain):
            known.setdefault(pepper_id, PepperRecord(pepper_id, PepperStatus.PREVIOUS, None, 0))
        for pepper_id in self._peppers().ids:
            known.setdefault(pepper_id, PepperRecord(pepper_id, PepperStatus.NEW, None, 0))
        return tuple(
            replace(record, keys=sum(n for chain, n in needs.items() if record.id in chain))
            for record in known.values()
        )


async def _begin(
    tables: Tables, at: datetime, newest: PepperId, total: int
) -> Made[None] | NothingMade[None]:
    current = await tables.peppers.current()
    if newest == current and total == 0:
        return NothingMade(None)
    await _check_known(tables, newest)
    if newest != current:
        await _check_new(tables, newest)
        await tables.peppers.make_current(newest, at)
    after: Facts = {"current": newest, "keys_to_wrap": total}
    return Made(SubjectKind.PEPPER, newest, {"current": current}, after, None)


async def _check_new(tables: Tables, newest: PepperId) -> None:
    for record in await tables.peppers.list():
        if record.id == newest:
            raise PreconditionError(
                "pepper",
                newest,
                f"Pepper {newest}, the last one in the file, is {record.status} already:"
                " put a new one after it.",
            )


async def _check_still_current(tables: Tables, pepper_id: PepperId) -> None:
    """Two rotations that wrapped each other's keys would never end."""
    if await tables.peppers.current() != pepper_id:
        raise PreconditionError("pepper", pepper_id, "Another pepper was made current meanwhile.")


async def _check_retirable(tables: Tables, record: PepperRecord) -> None:
    current = await tables.peppers.current()
    if record.id == current or record.status is PepperStatus.NEW:
        raise PreconditionError(
            "pepper", record.id, f"The pepper is {record.status}; only previous ones are retired."
        )
    if record.keys:
        raise PreconditionError(
            "pepper",
            record.id,
            f"{record.keys} keys that work need it: each does until it was used once after the"
            " rotation, or is rotated or revoked.",
        )
    if current is not None:
        await _check_known(tables, current)


async def _check_known(tables: Tables, pepper_id: PepperId) -> None:
    """Return if every process that may still answer knows a pepper."""
    processes = await tables.processes.list_unfenced(FENCE_MARGIN)
    ignorant = [process.name for process in processes if pepper_id not in process.peppers]
    if ignorant:
        raise PreconditionError(
            "pepper", pepper_id, f"Pepper {pepper_id} is not known to: {', '.join(ignorant)}."
        )


async def _replay_nothing(_: Tables, __: AuditEntry) -> None:
    """Wrapping goes on, whoever began it."""
