"""The table `audit` and the sealed end of its chain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import asyncpg

from authz.domain.administration.audit import AuditEntry
from authz.domain.administration.audit_chain import START, Ending, Head, SealedHead, hash_entry
from authz.domain.directory import PepperId
from authz.domain.pepper import Peppers
from authz.storage.admin.connection import Connection


class AuditRows:
    """The audit, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, request_id: UUID) -> AuditEntry | None:
        """Return the entry of the change that a request made."""
        row = await self._connection.fetchrow(_SELECT, request_id)
        return None if row is None else _parse(row)

    async def list(
        self, *, subject: str, actor: str, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return entries, the newest first, from the one before number `before` on."""
        rows = await self._connection.fetch(_LIST, subject, actor, before, limit)
        return [_parse(row) for row in rows]

    async def read_on(self, after: int | None, up_to: int, limit: int) -> Sequence[AuditEntry]:
        """Return entries in order, from the first, or the one after number `after`, on."""
        rows = await self._connection.fetch(_SELECT_SPAN, after, up_to, limit)
        return [_parse(row) for row in rows]

    async def read_ending(self, remembered: Head | None) -> Ending:
        """Return the end of the chain, all of it at one moment."""
        number = None if remembered is None else remembered.number
        row = await self._connection.fetchrow(_SELECT_ENDING, number)
        assert row is not None  # noqa: S101 it selects from one row of constants
        return Ending(
            sealed=_parse_sealed(row),
            last=START
            if row["last_number"] is None
            else Head(row["last_number"], row["last_hash"]),
            remembered=remembered,
            hash_where_remembered=row["remembered_hash"],
        )

    async def append(self, last: Head, entry: AuditEntry, peppers: Peppers) -> Head:
        """Add an entry after the last one, and seal it under the pepper that keys are made under.

        A newer one may be in this process's file, and not yet in the next one's.
        """
        hashed = replace(entry, hash=hash_entry(last.hash, entry))
        head = Head(hashed.number, hashed.hash)
        await self._connection.execute(_INSERT, *_write(hashed))
        current = await self._connection.fetchval(_SELECT_PEPPER)
        pepper_id = current if current in peppers else peppers.newest.id
        sealed = SealedHead.make(head, peppers, pepper_id)
        await self._connection.execute(
            _UPSERT_HEAD, head.number, head.hash, sealed.pepper_id, sealed.seal
        )
        return head


_SELECT: Final = """
    SELECT number, at, actor, role, address, method, subject_kind, subject, request_id,
           request_digest, before, after, hash
      FROM audit WHERE request_id = $1
"""

_LIST: Final = """
    SELECT number, at, actor, role, address, method, subject_kind, subject, request_id,
           request_digest, before, after, hash
      FROM audit
     WHERE ($1 = '' OR subject = $1)
       AND ($2 = '' OR actor = $2)
       AND ($3::bigint IS NULL OR number < $3)
     ORDER BY number DESC
     LIMIT $4
"""

_SELECT_SPAN: Final = """
    SELECT number, at, actor, role, address, method, subject_kind, subject, request_id,
           request_digest, before, after, hash
      FROM audit
     WHERE ($1::bigint IS NULL OR number > $1) AND number <= $2
     ORDER BY number
     LIMIT $3
"""

_SELECT_ENDING: Final = """
    SELECT head.number, head.hash, head.pepper_id, head.seal,
           last.number AS last_number, last.hash AS last_hash,
           (SELECT hash FROM audit WHERE number = $1) AS remembered_hash
      FROM (VALUES (true)) AS one
      LEFT JOIN audit_head AS head ON true
      LEFT JOIN LATERAL (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1) AS last
             ON true
"""

_INSERT: Final = """
    INSERT INTO audit (number, at, actor, role, address, method, subject_kind, subject, request_id,
                       request_digest, before, after, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

_SELECT_PEPPER: Final = "SELECT id FROM peppers WHERE status = 'current'"

_UPSERT_HEAD: Final = """
    INSERT INTO audit_head (number, hash, pepper_id, seal) VALUES ($1, $2, $3, $4)
    ON CONFLICT (singleton) DO UPDATE
            SET number = excluded.number, hash = excluded.hash, pepper_id = excluded.pepper_id,
                seal = excluded.seal
"""


def _write(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.number,
        entry.at,
        entry.actor,
        entry.role,
        entry.address,
        entry.method,
        entry.subject_kind,
        entry.subject,
        entry.request_id,
        entry.request_digest,
        entry.before,
        entry.after,
        entry.hash,
    )


def _parse(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        number=row["number"],
        at=row["at"],
        actor=row["actor"],
        role=row["role"],
        address=row["address"],
        method=row["method"],
        subject_kind=row["subject_kind"],
        subject=row["subject"],
        request_id=row["request_id"],
        request_digest=row["request_digest"],
        before=row["before"],
        after=row["after"],
        hash=row["hash"],
    )


def _parse_sealed(row: asyncpg.Record) -> SealedHead | None:
    if row["number"] is None:
        return None
    head = Head(row["number"], row["hash"])
    return SealedHead(head, PepperId(row["pepper_id"]), row["seal"])
