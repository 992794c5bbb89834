"""Reads usage: minutes as each process counted them, all that is longer from hours."""

from collections.abc import Sequence
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.buckets import Width
from authz.domain.reports.usage import Dimension, Figures, Group, UsageQuery, UsageRow

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy

_NO_ID: Final = UUID(int=0)
_NO_MODEL: Final = ""
"""What usage is not told apart by is the same in every row."""


async def read_usage(
    connection: Connection, query: UsageQuery, after: Group | None, limit: int
) -> Sequence[UsageRow]:
    """Return up to `limit` rows by bucket, then group, from the one after `after` on.

    `after` is a group of the first bucket.
    """
    statement = _READ_MINUTES if query.span.width is Width.MINUTE else _READ_HOURS
    rows = await connection.fetch(
        statement,
        query.span.width,
        query.span.start,
        query.span.end,
        query.account_id,
        query.key_ids,
        query.models,
        *(dimension in query.by for dimension in Dimension),
        after is not None,
        *_write_group(after),
        limit,
    )
    return [_parse(row) for row in rows]


_READ: Final = """
      WITH chosen AS (
           SELECT date_trunc($1, {time}, 'UTC') AS bucket,
                  CASE WHEN $7::boolean THEN account_id
                       ELSE '00000000-0000-0000-0000-000000000000'::uuid END AS account_id,
                  CASE WHEN $8::boolean THEN key_id
                       ELSE '00000000-0000-0000-0000-000000000000'::uuid END AS key_id,
                  CASE WHEN $9::boolean THEN model ELSE '' END AS model,
                  requests, tokens, failures, refunded_requests, refunded_tokens
             FROM {table}
            WHERE {time} >= $2 AND {time} < $3
              AND ($4::uuid IS NULL OR account_id = $4)
              AND ($5::uuid[] IS NULL OR key_id = ANY ($5))
              AND ($6::text[] IS NULL OR model = ANY ($6))
           )
    SELECT bucket, account_id, key_id, model,
           sum(requests - refunded_requests)::bigint AS requests,
           sum(tokens - refunded_tokens)::bigint AS tokens,
           sum(failures)::bigint AS failures,
           sum(refunded_requests)::bigint AS refunded_requests,
           sum(refunded_tokens)::bigint AS refunded_tokens
      FROM chosen
     WHERE NOT $10::boolean
        OR (bucket, account_id, key_id, model) > ($2, $11::uuid, $12::uuid, $13::text)
     GROUP BY bucket, account_id, key_id, model
     ORDER BY bucket, account_id, key_id, model
     LIMIT $14
"""
_READ_HOURS: Final = _READ.format(table="usage_hours", time="hour")
_READ_MINUTES: Final = _READ.format(table="usage_minutes", time="minute")


def _write_group(group: Group | None) -> tuple[UUID, UUID, str]:
    if group is None:
        return _NO_ID, _NO_ID, _NO_MODEL
    return group.account_id or _NO_ID, group.key_id or _NO_ID, group.model or _NO_MODEL


def _parse(row: asyncpg.Record) -> UsageRow:
    account_id, key_id = row["account_id"], row["key_id"]
    return UsageRow(
        bucket=row["bucket"],
        group=Group(
            account_id=None if account_id == _NO_ID else AccountId(account_id),
            key_id=None if key_id == _NO_ID else KeyId(key_id),
            model=row["model"] or None,
        ),
        figures=Figures(
            requests=row["requests"],
            tokens=row["tokens"],
            failures=row["failures"],
            refunded_requests=row["refunded_requests"],
            refunded_tokens=row["refunded_tokens"],
        ),
    )
