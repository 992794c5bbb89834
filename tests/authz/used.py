"""Usage put straight into the tables, for tests of what reads it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg

MODEL: Final = "sentence-transformers/all-MiniLM-L6-v2"
_WRITER: Final = uuid4()

_INSERT_MINUTE: Final = """
    INSERT INTO usage_minutes (minute, account_id, key_id, model, writer, requests, tokens,
                               failures, refunded_requests, refunded_tokens, returned_tokens)
         VALUES (date_trunc('minute', $1::timestamptz), $2, $3, $4, $10, $5, $6, $7, $8, $9, 0)
"""

_ADD_TO_HOUR: Final = """
    INSERT INTO usage_hours AS known (hour, account_id, key_id, model, requests, tokens, failures,
                                      refunded_requests, refunded_tokens)
         VALUES (date_trunc('hour', $1::timestamptz), $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (account_id, hour, key_id, model) DO UPDATE
            SET requests = known.requests + $5, tokens = known.tokens + $6,
                failures = known.failures + $7,
                refunded_requests = known.refunded_requests + $8,
                refunded_tokens = known.refunded_tokens + $9
"""

_MAKE_PARTITIONS: Final = """
    SELECT make_usage_partition('usage_minutes', $1), make_usage_partition('usage_hours', $1)
"""

_MAKE_OLD_PARTITION: Final = """
    CREATE TABLE usage_hours_of_old PARTITION OF usage_hours
       FOR VALUES FROM ('2000-01-01Z') TO ('2026-01-01Z')
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What one key used, as it is written down: nothing is taken off."""

    at: datetime
    account_id: UUID
    key_id: UUID
    requests: int = 1
    tokens: int = 10
    failures: int = 0
    refunded_requests: int = 0
    refunded_tokens: int = 0
    model: str = MODEL
    writer: UUID = _WRITER


async def put_usage(connection: asyncpg.Connection, *used: Used) -> None:
    """Write usage down, in minutes and in hours, each minute once."""
    for each in used:
        figures = (each.requests, each.tokens, each.failures)
        refunds = (each.refunded_requests, each.refunded_tokens)
        where = (each.at, each.account_id, each.key_id, each.model)
        await connection.execute(_MAKE_PARTITIONS, each.at)
        await connection.execute(_ADD_TO_HOUR, *where, *figures, *refunds)
        await connection.execute(_INSERT_MINUTE, *where, *figures, *refunds, each.writer)


async def put_old_hour(connection: asyncpg.Connection, used: Used) -> None:
    """Write down usage of before there were partitions."""
    if await connection.fetchval("SELECT to_regclass('usage_hours_of_old')") is None:
        await connection.execute(_MAKE_OLD_PARTITION)
    figures = (used.requests, used.tokens, used.failures)
    refunds = (used.refunded_requests, used.refunded_tokens)
    where = (used.at, used.account_id, used.key_id, used.model)
    await connection.execute(_ADD_TO_HOUR, *where, *figures, *refunds)
