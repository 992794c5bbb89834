"""What keeping usage needs from outside, in its own words."""

from collections.abc import Sequence
from typing import Protocol

from authz.domain.usage.charge import Charge, User
from authz.domain.usage.pending import Pending
from authz.domain.usage.position import Failures, Position
from authz.domain.usage.refund import Refund
from authz.domain.usage.tally import Counter


class Journal(Protocol):
    """Charges on the local disk. Whatever raises `UsageUnavailableError` has changed nothing."""

    def write(self, request_id: str, user: User, tokens: int, *, is_leased: bool) -> Charge:
        """Write a charge down; where it raises, nobody knows whether it is."""
        ...

    def fold(self, rows_max: int) -> bool:
        """Add the oldest charges to their minutes' counters; return whether there may be more."""
        ...

    def find(self, request_id: str) -> Sequence[Charge]:
        """Return what a request was charged and may be refunded, of what is folded."""
        ...

    def refund(self, refunds: Sequence[Refund], position: Position) -> None:
        """Take charges back, each once, and remember how far failures were read."""
        ...

    def read_position(self) -> Position | None:
        """Return how far failures were read; nothing where they never were."""
        ...

    def forget(self, rows_max: int) -> bool:
        """Delete what is too old to be of use; return whether there may be more."""
        ...

    def pending(self) -> Pending:
        """Return what PostgreSQL does not have yet."""
        ...


class Counters(Protocol):
    """The journal's counters. Whatever raises `UsageUnavailableError` has changed nothing."""

    def unsent(self, rows_max: int) -> Sequence[Counter]:
        """Return the oldest counters that are not known to be in PostgreSQL as they are."""
        ...

    def after(self, minute: int, slot: int, rows_max: int) -> Sequence[Counter]:
        """Return counters of any state in order, from the one after this minute and slot on."""
        ...

    def note_answer(self, told: Sequence[Counter], refused: Sequence[Counter]) -> None:
        """Note that PostgreSQL has counters as they were read, but for those that it refused."""
        ...

    def read_server(self) -> str | None:
        """Return which start of PostgreSQL has all that is confirmed."""
        ...

    def write_server(self, server: str) -> None:
        """Note which start of PostgreSQL has all that is confirmed."""
        ...


class JournalFile(Protocol):
    """The file that both are in."""

    put_aside: int

    def tend(self) -> None:
        """Look after it; to be called every few seconds."""
        ...


class UsageTable(Protocol):
    """Usage in PostgreSQL."""

    async def merge(self, counters: Sequence[Counter]) -> tuple[str, Sequence[Counter]]:
        """Merge counters; return which start of which server has them now, and which are refused.

        Raises:
            DatabaseError: PostgreSQL failed; the same again does no harm.
        """
        ...


class FailureSource(Protocol):
    """The file in which Envoy names requests that did not end well."""

    def end(self) -> Position:
        """Return the position after all that is there. Raises `OSError`."""
        ...

    def read(self, position: Position) -> Failures | None:
        """Return the next failures after a position; nothing where there are none.

        Raises:
            OSError: they cannot be read.
        """
        ...

    def release(self, position: Position) -> None:
        """Give back to the disk what lies far behind a position."""
