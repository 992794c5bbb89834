"""What authz processes let through, as their journals have it, and what one bucket says to it."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

_GRAINS: Final = 60_000_000
"""Of a unit: so many microseconds has a minute, so a limit refills whole grains in each."""


@dataclass(frozen=True, slots=True, order=True)
class Admission:
    """When a request was let through, in microseconds since 1970, and its tokens."""

    at: int
    tokens: int


_SELECT: Final = """
    SELECT account_id, at, tokens FROM (
        SELECT at, slot, tokens FROM charges UNION ALL SELECT at, slot, tokens FROM refundable
    ) JOIN slots USING (slot)
"""


def read_admissions(folder: Path) -> Mapping[UUID, Sequence[Admission]]:
    """Return what was let through, in order, by account; the journals' processes have ended."""
    by_account: dict[UUID, list[Admission]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        if file.suffix or file.name.endswith(("-wal", "-shm")):
            continue  # what lies beside a journal
        with closing(sqlite3.connect(file, timeout=10)) as journal:
            for account, at, tokens in journal.execute(_SELECT):
                by_account[UUID(bytes=account)].append(Admission(at, tokens))
    return {account: sorted(admissions) for account, admissions in by_account.items()}


def fill(limit: int, admissions: Iterable[tuple[int, int]]) -> int:
    """Put (time, units), in order, into a bucket that refills `limit` a minute; count overflows."""
    level = last = overflows = 0
    for at, units in admissions:
        level = max(0, level - (at - last) * limit) + units * _GRAINS
        last = at
        overflows += level > limit * _GRAINS
    return overflows


def let_through(limit: int, offers: Iterable[int], units: int) -> int:
    """Return how many units such a bucket lets through, where so many are offered at each time."""
    level = last = through = 0
    for at in offers:
        level = max(0, level - (at - last) * limit)
        last = at
        if level + units * _GRAINS <= limit * _GRAINS:
            level += units * _GRAINS
            through += units
    return through
