"""Short ways to make what tells whose request it is, with nothing outside of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from authz.domain.directory import KeyId
from authz.domain.pepper import Peppers
from authz.domain.rehash import Rehash
from authz.service.authenticate import Authenticator
from authz.service.current_directory import CurrentDirectory
from authz.service.current_peppers import CurrentPeppers
from authz.service.note_uses import KeyUses
from authz.service.propose_rehashes import Rehasher
from authz.service.write_later import LateWriter

V = TypeVar("V")

PEPPERS: Final = Peppers.parse("5e" * 32)
"""The pepper of every test, alone."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Peppers that never change."""

    peppers: Peppers

    def version(self) -> int:
        """Return always the same."""
        return 0

    def read(self) -> Peppers:
        """Return what is kept."""
        return self.peppers


class Records:
    """What an authenticator wants to be written, and what is written once it is flushed."""

    def __init__(self) -> None:
        self.used: dict[KeyId, datetime] = {}
        self.proposed: dict[KeyId, Rehash] = {}
        self.statements = 0
        self.uses: LateWriter[KeyId, datetime] = self._writer(self.used)
        self.rehashes: LateWriter[KeyId, Rehash] = self._writer(self.proposed)

    def _writer(self, table: dict[KeyId, V]) -> LateWriter[KeyId, V]:
        async def write(batch: Mapping[KeyId, V]) -> None:
            self.statements += 1
            table.update(batch)

        return LateWriter("rows", write, interval_seconds=3600, jitter=lambda: 1.0)

    async def flush(self) -> None:
        """Have all written that waits."""
        await self.uses.flush()
        await self.rehashes.flush()


def know(peppers: Peppers) -> CurrentPeppers:
    """Return a process's knowledge of these peppers."""
    return CurrentPeppers(_Kept(peppers), interval_seconds=3600)


def make_authenticator(
    current: CurrentDirectory, peppers: Peppers = PEPPERS, records: Records | None = None
) -> Authenticator:
    """Return an authenticator whose records nobody reads, unless they are given."""
    records = records or Records()
    known = know(peppers)
    rehasher = Rehasher(known, records.rehashes)
    return Authenticator(current, known, KeyUses(records.uses), rehasher)
