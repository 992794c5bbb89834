"""The ledger on a real PostgreSQL: asked as if it were any time, and as fast as it can."""

import asyncio
import time
from collections.abc import Sequence
from itertools import count
from typing import Final
from uuid import UUID

import asyncpg

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId, HolderId, LeaseId
from authz.domain.quota.lease_rules import LeaseRules
from authz.storage.lease_ledger import LeaseLedger
from authz.storage.lease_rows import parse_answer, to_columns
from authz.storage.migrate import migrate

RULES: Final = LeaseRules()
TIER: Final = "scale"

_INSERT_ACCOUNTS: Final = """
    SET session_replication_role = replica; -- without the triggers, that number each change
    INSERT INTO accounts (id, name, tier)
         SELECT lpad(to_hex(n), 32, '0')::uuid, 'account ' || n, '{tier}'
           FROM generate_series(1, {accounts}) AS n;
    SET session_replication_role = origin;
    ANALYZE;
"""

# What answer_asks() does, at a time of our own.
_ANSWER_AT: Final = """
    SELECT outcome, requests, tokens, extended, (quota).*
      FROM ROWS FROM (
               unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[]),
               unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[]),
               unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]),
               unnest($10::bigint[]), unnest($11::bigint[]), unnest($12::bigint[]),
               unnest($13::bigint[]), unnest($14::boolean[]), unnest($15::boolean[])
           ) WITH ORDINALITY AS asked,
           answer_ask(ROW(asked.*)::lease_ask, $16, $17, $18)
     ORDER BY ordinality
"""


def budget(number: int) -> BudgetId:
    """Return the id of an account, the first of which is 1."""
    return BudgetId(UUID(int=number))


async def prepare(url: str, accounts: int) -> asyncpg.Connection:
    """Return a connection to a migrated database with accounts of one tier."""
    connection = await asyncpg.connect(url)
    await migrate(connection)
    await connection.execute(_INSERT_ACCOUNTS.format(tier=TIER, accounts=accounts))
    await connection.execute("SET enable_seqscan = off; SET synchronous_commit = off")
    return connection


async def answer_at(
    connection: asyncpg.Connection, asks: Sequence[tuple[BudgetId, Ask]], now: int
) -> Sequence[Answer | None]:
    """Answer asks as if it were `now`."""
    lasts = RULES.life + RULES.grace
    rows = await connection.fetch(_ANSWER_AT, *to_columns(asks), lasts, RULES.room_divisor, now)
    return [parse_answer(ask, row) for (_, ask), row in zip(asks, rows, strict=True)]


async def measure_sustained(
    url: str, connections: int, batch: int, accounts: int, seconds: float
) -> float:
    """Return asks a second that the server answers, `batch` to a statement, with fsync."""
    ledger = LeaseLedger(url, connections, 30, RULES)
    end = time.perf_counter() + seconds
    answered = 0

    async def run(place: int) -> None:
        nonlocal answered
        mine = [budget(number) for number in range(1 + place, 1 + accounts, connections)]
        for turn in count():
            chosen = [mine[(turn * batch + n) % len(mine)] for n in range(batch)]
            grown = turn * batch // len(mine)
            await ledger.answer([(each, _report(grown)) for each in chosen])
            answered += batch
            if time.perf_counter() > end:
                return

    began = time.perf_counter()
    await asyncio.gather(*(run(place) for place in range(connections)))
    return answered / (time.perf_counter() - began)


def _report(times: int) -> Ask:
    """Return what a busy holder says each second: it spent some, and would like more."""
    spent = Amounts(times, 100 * times)
    more = spent + Amounts(2, 200)
    lease = LeaseId(HolderId("bench"), 0)
    return Ask(times, lease, spent, NOTHING, spent, more, opens=times == 0)
