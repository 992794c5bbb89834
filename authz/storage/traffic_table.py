"""Writes down what the access log tells of each minute's requests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from authz.domain.traffic import Traffic
from authz.storage.short_statements import ShortStatements

_WRITE: Final = """
    WITH written AS (
        INSERT INTO traffic_minutes AS known (
                    writer, minute, seen_requests, seen_tokens, left_requests, left_tokens,
                    served_requests, served_tokens)
             SELECT $1, told.*
               FROM unnest($2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[],
                           $6::bigint[], $7::bigint[], $8::bigint[])
                    AS told (minute, seen_requests, seen_tokens, left_requests, left_tokens,
                             served_requests, served_tokens)
              WHERE minute < clock_timestamp() + interval '1 day'
                AND (minute > clock_timestamp() - interval '1 day'
                     OR to_regclass('traffic_minutes'
                                    || to_char(minute AT TIME ZONE 'UTC', '_YYYY_MM_DD'))
                        IS NOT NULL)
        ON CONFLICT (minute, writer) DO UPDATE
                SET seen_requests   = greatest(known.seen_requests, excluded.seen_requests),
                    seen_tokens     = greatest(known.seen_tokens, excluded.seen_tokens),
                    left_requests   = greatest(known.left_requests, excluded.left_requests),
                    left_tokens     = greatest(known.left_tokens, excluded.left_tokens),
                    served_requests = greatest(known.served_requests, excluded.served_requests),
                    served_tokens   = greatest(known.served_tokens, excluded.served_tokens)
    )
    SELECT 1 AS done
"""


class TrafficTable:
    """The rows of one writer in the table `traffic_minutes`."""

    def __init__(self, statements: ShortStatements, writer: UUID) -> None:
        self._statements = statements
        self._writer = writer

    async def write(self, minutes: Mapping[datetime, Traffic]) -> None:
        """Keep each minute's counts, where they are higher than what is known.

        Raises:
            DatabaseError: PostgreSQL failed; writing the same again does no harm.
        """
        counted = minutes.values()
        await self._statements.fetch_row(
            _WRITE,
            self._writer,
            list(minutes),
            [each.seen.requests for each in counted],
            [each.seen.tokens for each in counted],
            [each.left.requests for each in counted],
            [each.left.tokens for each in counted],
            [each.served.requests for each in counted],
            [each.served.tokens for each in counted],
        )
