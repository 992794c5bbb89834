"""The counts of the same traffic: by authz, the access log and the adapter."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from authz.domain.quota.amounts import Amounts
from authz.domain.traffic import CountedMinute, Traffic
from authz.storage.admin.connection import Connection


class TrafficRows:
    """Minutes, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def time(self) -> datetime:
        """Return the time that it is."""
        time: datetime = await self._connection.fetchval(_SELECT_TIME)
        return time

    async def count(self, minutes: Sequence[datetime]) -> Sequence[CountedMinute]:
        """Return what is known of each of these minutes, in order; zeros where nothing was."""
        rows = await self._connection.fetch(_COUNT, minutes)
        return [_parse(row) for row in rows]


_SELECT_TIME: Final = "SELECT clock_timestamp()"

_COUNT: Final = """
    SELECT asked.minute,
           coalesce(charged.requests, 0)::bigint AS charged_requests,
           coalesce(charged.tokens, 0)::bigint AS charged_tokens,
           coalesce(told.seen_requests, 0)::bigint AS seen_requests,
           coalesce(told.seen_tokens, 0)::bigint AS seen_tokens,
           coalesce(told.left_requests, 0)::bigint AS left_requests,
           coalesce(told.left_tokens, 0)::bigint AS left_tokens,
           coalesce(told.served_requests, 0)::bigint AS served_requests,
           coalesce(told.served_tokens, 0)::bigint AS served_tokens
      FROM unnest($1::timestamptz[]) AS asked (minute)
      LEFT JOIN (SELECT minute, sum(requests - refunded_requests) AS requests,
                        sum(tokens - refunded_tokens) AS tokens
                   FROM usage_minutes WHERE minute = ANY ($1) GROUP BY minute) AS charged
             ON charged.minute = asked.minute
      LEFT JOIN (SELECT minute, sum(seen_requests) AS seen_requests,
                        sum(seen_tokens) AS seen_tokens, sum(left_requests) AS left_requests,
                        sum(left_tokens) AS left_tokens, sum(served_requests) AS served_requests,
                        sum(served_tokens) AS served_tokens
                   FROM traffic_minutes WHERE minute = ANY ($1) GROUP BY minute) AS told
             ON told.minute = asked.minute
     ORDER BY asked.minute
"""


def _parse(row: asyncpg.Record) -> CountedMinute:
    return CountedMinute(
        row["minute"],
        Amounts(row["charged_requests"], row["charged_tokens"]),
        Traffic(
            seen=Amounts(row["seen_requests"], row["seen_tokens"]),
            left=Amounts(row["left_requests"], row["left_tokens"]),
            served=Amounts(row["served_requests"], row["served_tokens"]),
        ),
    )
