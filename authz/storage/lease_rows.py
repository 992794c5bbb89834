"""Asks and answers as answer_asks() of the database takes and gives them."""

from collections.abc import Iterator, Sequence

import asyncpg

from authz.domain.quota.allowance import Allowance, Period
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.bucket import Bucket
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId, Gone, Granted
from authz.domain.quota.quota import Quota


def to_columns(asks: Sequence[tuple[BudgetId, Ask]]) -> Iterator[Sequence[object]]:
    """Yield what answer_asks() takes of asks, as many values each."""
    yield [budget for budget, _ in asks]
    yield [ask.lease.holder for _, ask in asks]
    yield [ask.lease.number for _, ask in asks]
    for amounts in (
        [ask.spent for _, ask in asks],
        [ask.released for _, ask in asks],
        [ask.needed for _, ask in asks],
        [ask.wanted for _, ask in asks],
        [ask.refilled for _, ask in asks],
    ):
        yield [each.requests for each in amounts]
        yield [each.tokens for each in amounts]
    yield [ask.opens for _, ask in asks]
    yield [ask.closes for _, ask in asks]


def parse_answer(ask: Ask, row: asyncpg.Record) -> Answer | None:
    """Return the answer to an ask; nothing where there is no such budget."""
    match row["outcome"]:
        case "granted":
            total = Amounts(row["requests"], row["tokens"])
            return Granted(ask.lease, total, row["extended"], _parse_quota(row))
        case "gone":
            return Gone(ask.lease, _parse_quota(row))
    return None


def _parse_quota(row: asyncpg.Record) -> Quota:
    at, reserved = row["at"], row["tokens_reserved"]
    period = Period(row["month_starts"], row["month_ends"])
    return Quota(
        Bucket(row["requests_limit"], row["requests_spent"], row["requests_reserved"], at),
        Bucket(row["tokens_limit"], row["tokens_spent"], reserved, at),
        Allowance(row["month_limit"], period, row["month_spent"], reserved),
    )
