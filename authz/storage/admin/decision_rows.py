"""The table `decisions`, for reading, and its partitions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import asyncpg

from authz.domain.administration.decisions import DecisionQuery, Position
from authz.domain.decision import Asked, Decision, Place, Ruling, Told
from authz.domain.directory import AccountId, Endpoint, KeyId
from authz.domain.evidence import Evidence, Source, Whose
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.outcome import Limited
from authz.storage.admin.connection import Connection


class DecisionRows:
    """Decisions, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, request_id: str) -> Decision | None:
        """Return what was decided about a request; the last, if ever it was asked about twice."""
        row = await self._connection.fetchrow(_SELECT, request_id)
        return None if row is None else _parse(row)

    async def list(
        self, query: DecisionQuery, after: Position | None, limit: int
    ) -> Sequence[Decision]:
        """Return decisions, the newest first, from the one after `after` on."""
        at, request_id = (None, None) if after is None else (after.at, after.request_id)
        rows = await self._connection.fetch(
            _LIST,
            *(query.account_id, query.key_id, query.reason, query.ruling),
            *(query.start, query.end, at, request_id, limit),
        )
        return [_parse(row) for row in rows]

    async def make_partitions(self) -> None:
        """Make room for what will be decided in the days to come."""
        await self._connection.execute(_MAKE_PARTITIONS)

    async def drop_partitions(self) -> None:
        """Forget what is too old."""
        await self._connection.execute(_DROP_PARTITIONS)


_SELECT: Final = """
    SELECT at, request_id, process, verdict, reason, status, code, retry_after, endpoint,
           retry_count, account_id, key_id, cost_requests, cost_tokens, budget, source, dimension,
           limit_units, used_units, requested_units, wait, lease_requests, lease_tokens,
           lease_ends_in, directory_number, directory_age
      FROM decisions
     WHERE request_id = $1
     ORDER BY at DESC
     LIMIT 1
"""

_LIST: Final = """
    SELECT at, request_id, process, verdict, reason, status, code, retry_after, endpoint,
           retry_count, account_id, key_id, cost_requests, cost_tokens, budget, source, dimension,
           limit_units, used_units, requested_units, wait, lease_requests, lease_tokens,
           lease_ends_in, directory_number, directory_age
      FROM decisions
     WHERE ($1::uuid IS NULL OR account_id = $1)
       AND ($2::uuid IS NULL OR key_id = $2)
       AND ($3::text = '' OR reason = $3)
       AND ($4::text IS NULL OR verdict = $4)
       AND ($5::timestamptz IS NULL OR at >= $5)
       AND ($6::timestamptz IS NULL OR at < $6)
       AND ($7::timestamptz IS NULL OR (at, request_id) < ($7, $8))
     ORDER BY at DESC, request_id DESC
     LIMIT $9
"""

_MAKE_PARTITIONS: Final = "SELECT make_decision_partitions()"

_DROP_PARTITIONS: Final = "SELECT drop_decision_partitions()"


def _parse(row: asyncpg.Record) -> Decision:
    asked = Asked(
        row["request_id"],
        None if row["endpoint"] is None else Endpoint(row["endpoint"]),
        row["retry_count"],
    )
    return Decision(
        asked=asked,
        place=Place(row["at"], row["process"], row["directory_number"], row["directory_age"]),
        ruling=Ruling(row["verdict"]),
        reason=row["reason"],
        told=Told(row["status"], row["code"], row["retry_after"]),
        account_id=None if row["account_id"] is None else AccountId(row["account_id"]),
        key_id=None if row["key_id"] is None else KeyId(row["key_id"]),
        evidence=_parse_evidence(row),
    )


def _parse_evidence(row: asyncpg.Record) -> Evidence | None:
    if row["cost_requests"] is None:
        return None
    return Evidence(
        cost=Amounts(row["cost_requests"], row["cost_tokens"]),
        limited=_parse_limited(row),
        budget=Whose(row["budget"]),
        source=Source(row["source"]),
        left=_parse_left(row),
        lease_ends_in=_to_microseconds(row["lease_ends_in"]),
        shadow=row["verdict"] == Ruling.SHADOW,
    )


def _parse_limited(row: asyncpg.Record) -> Limited | None:
    if row["dimension"] is None:
        return None
    return Limited(
        Dimension(row["dimension"]),
        row["limit_units"],
        row["used_units"],
        row["requested_units"],
        _to_microseconds(row["wait"]),
    )


def _parse_left(row: asyncpg.Record) -> Amounts | None:
    if row["lease_requests"] is None:
        return None
    return Amounts(row["lease_requests"], row["lease_tokens"])


def _to_microseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(microseconds=1)
