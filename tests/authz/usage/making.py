"""Short ways to make journals, charges and what stands in for PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from authz.domain.directory import AccountId, KeyId
from authz.domain.undecided import DatabaseError
from authz.domain.usage.charge import MINUTE, User
from authz.domain.usage.tally import NOTHING, Counter, Tally
from authz.storage.journal_file import JournalFile
from authz.storage.usage_counters import UsageCounters
from authz.storage.usage_journal import Ages, UsageJournal

BOOT: Final = UUID(int=7)
NOW: Final = 29_860_000 * MINUTE
"""A minute's first microsecond, in October 2026."""
ALICE: Final = User(AccountId(UUID(int=1)), KeyId(UUID(int=11)), "m")
BOB: Final = User(AccountId(UUID(int=2)), KeyId(UUID(int=22)), "m")
SMALL: Final = 2**20
PLENTY: Final = 2**30


@dataclass(slots=True)
class Clock:
    """Microseconds since 1970, as the test says."""

    now: int = NOW

    def __call__(self) -> int:
        """Return what was set."""
        return self.now


class Kept:
    """A journal with its file and counters; `restart` is what a killed process leaves behind."""

    def __init__(
        self, path: Path, clock: Clock | None = None, boot: UUID = BOOT, bytes_max: int = PLENTY
    ) -> None:
        self.path = path
        self.clock = clock or Clock()
        self._bytes_max = bytes_max
        self._open(boot)

    def _open(self, boot: UUID) -> None:
        self.file = JournalFile(self.path, self._bytes_max, 0, boot)
        self.journal = UsageJournal(self.file, self.clock, Ages())
        self.counters = UsageCounters(self.file)

    def restart(self, boot: UUID = BOOT) -> None:
        """Open the file anew."""
        self.file.close()
        self._open(boot)

    def charge(self, user: User = ALICE, tokens: int = 10, *, is_leased: bool = True) -> str:
        """Charge one request; return its id."""
        request_id = f"req_{uuid4().hex}"
        self.journal.write(request_id, user, tokens, is_leased=is_leased)
        return request_id

    def fold(self) -> None:
        """Fold all."""
        while self.journal.fold(100):
            pass

    def totals(self) -> dict[User, Tally]:
        """Return what was counted, by user."""
        self.fold()
        return sum_by_user(self.counters.after(-1, 0, 10**6))


def sum_by_user(counters: Sequence[Counter]) -> dict[User, Tally]:
    """Add counters up."""
    sums: dict[User, Tally] = {}
    for each in counters:
        sums[each.user] = sums.get(each.user, NOTHING) + each.tally
    return sums


@dataclass(slots=True)
class FakeTable:
    """PostgreSQL in memory, as far as a drain sees it."""

    rows: dict[tuple[int, User, UUID], Counter] = field(default_factory=dict)
    server: str = "1"
    is_down: bool = False
    fails_after_commit: bool = False
    oldest: int = 0
    merges: int = 0

    async def merge(self, counters: Sequence[Counter]) -> tuple[str, Sequence[Counter]]:
        """Keep the larger of each."""
        self.merges += 1
        if self.is_down:
            raise DatabaseError("down")
        refused = [each for each in counters if each.minute < self.oldest]
        for each in counters:
            if each not in refused:
                place = each.minute, each.user, each.writer
                known = self.rows[place].tally if place in self.rows else NOTHING
                self.rows[place] = replace(each, tally=_larger(known, each.tally))
        if self.fails_after_commit:
            raise DatabaseError("nobody knows")
        return self.server, refused

    def totals(self) -> dict[User, Tally]:
        """Return what was told, by user."""
        return sum_by_user(list(self.rows.values()))


def _larger(one: Tally, other: Tally) -> Tally:
    return Tally(
        max(one.requests, other.requests),
        max(one.tokens, other.tokens),
        max(one.failures, other.failures),
        max(one.refunded_requests, other.refunded_requests),
        max(one.refunded_tokens, other.refunded_tokens),
        max(one.returned_tokens, other.returned_tokens),
    )
