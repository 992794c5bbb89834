"""Usage in PostgreSQL, as the journals tell it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from authz.domain.usage.tally import Counter
from authz.storage.short_statements import ShortStatements

_MERGE: Final = """
    SELECT server, refused
      FROM merge_usage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UsageTable:
    """The tables `usage_minutes` and `usage_hours`."""

    def __init__(self, statements: ShortStatements) -> None:
        self._statements = statements

    async def merge(self, counters: Sequence[Counter]) -> tuple[str, Sequence[Counter]]:
        """Merge counters; return which start of which server has them now, and which are refused.

        Raises:
            DatabaseError: PostgreSQL failed; the same again does no harm.
        """
        users = [each.user for each in counters]
        tallies = [each.tally for each in counters]
        row = await self._statements.fetch_row(
            _MERGE,
            [_EPOCH + timedelta(minutes=each.minute) for each in counters],
            [user.account_id for user in users],
            [user.key_id for user in users],
            [user.model for user in users],
            [each.writer for each in counters],
            [tally.requests for tally in tallies],
            [tally.tokens for tally in tallies],
            [tally.failures for tally in tallies],
            [tally.refunded_requests for tally in tallies],
            [tally.refunded_tokens for tally in tallies],
            [tally.returned_tokens for tally in tallies],
        )
        return row["server"], [counters[place - 1] for place in row["refused"]]
