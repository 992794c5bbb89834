"""The ledger in PostgreSQL: what every budget has spent, and what is leased of it."""

from collections.abc import Sequence
from typing import Final

from authz.domain.quota.lease_messages import Answer, Ask, BudgetId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.undecided import LedgerLearningError
from authz.storage.lease_rows import parse_answer, to_columns
from authz.storage.short_statements import ShortStatements

# The arithmetic is in migrations/0007_leases.sql.
_ANSWER: Final = """
    SELECT place, outcome, requests, tokens, extended, (quota).*
      FROM answer_asks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""

_COUNT_PROCESSES: Final = """
    SELECT count(*) FROM processes WHERE seen_at + stale_after > clock_timestamp()
"""


class LeaseLedger:
    """The one account of what was spent and leased, shared by every process.

    What was granted is spent at once, so it must outlive a crash of the server: statements are
    durable, and whoever asks waits for the server's disk.
    """

    def __init__(
        self, url: str, connections: int, timeout_seconds: float, rules: LeaseRules
    ) -> None:
        self._statements = ShortStatements(url, connections, timeout_seconds, durable=True)
        self._rules = rules

    async def answer(self, asks: Sequence[tuple[BudgetId, Ask]]) -> Sequence[Answer | None]:
        """Answer asks in one transaction; in the same order.

        There is no answer where there is no such budget: an unknown account or key, or a key
        without limits of its own.

        Raises:
            DatabaseError: it is unknown whether anything was booked.
            LedgerLearningError: nothing was; the ledger has lost its newest state.
        """
        rules = self._rules
        rows = await self._statements.fetch_rows(
            _ANSWER, *to_columns(asks), rules.life + rules.grace, rules.room_divisor
        )
        if any(row["outcome"] == "learning" for row in rows):
            raise LedgerLearningError("it may not know its newest grants")
        answers = {row["place"]: row for row in rows}
        return [parse_answer(ask, answers[place]) for place, (_, ask) in enumerate(asks, start=1)]

    async def count_processes(self) -> int:
        """Return how many processes may still answer checks.

        Raises:
            DatabaseError: PostgreSQL failed.
        """
        row = await self._statements.fetch_row(_COUNT_PROCESSES)
        return int(row["count"])

    async def ping(self) -> None:
        """Return if an ask would have a chance.

        Raises:
            DatabaseError: it would not.
        """
        await self.answer(())
