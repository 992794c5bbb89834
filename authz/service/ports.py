"""What the services need from outside, in their own words."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from authz.domain.packed_directory import Directory
from authz.domain.pepper import Peppers
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId
from authz.domain.snapshot import Snapshot


class DirectorySession(Protocol):
    """A connection to where the directory is kept, listening since it was opened."""

    async def tell(self, number: int) -> int:
        """Tell that this process has applied every change up to `number`, and is still there.

        Returns the number of the newest change.

        Raises:
            DatabaseError: it is unknown whether that was heard.
            ReplacedError: another process has taken this one's place.
        """
        ...

    async def wait(self, seconds: float) -> bool:
        """Return whether a change was announced within `seconds`, as soon as it was."""
        ...

    async def read(self, known: Directory | None) -> Directory:
        """Return the directory as it is now; `known` itself where nothing changed.

        Raises:
            BadDirectoryError: what is kept there cannot be used.
            DatabaseError: it could not be read.
        """
        ...


class DirectoryFeed(Protocol):
    """Where the directory is kept."""

    def open(self) -> AbstractAsyncContextManager[DirectorySession]:
        """Connect and listen. Raises `DatabaseError`."""
        ...

    def depart(self) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Connect, to tell by a call that this process has answered its last check.

        Where connecting raises `DatabaseError`, nobody was told; where the call does, who knows.
        """
        ...


class PepperStore(Protocol):
    """Where the peppers are kept."""

    def version(self) -> Hashable:
        """Return what changes whenever the peppers do. Raises `OSError`."""
        ...

    def read(self) -> Peppers:
        """Return all that are kept.

        Raises:
            BadPepperError: something that is kept is no pepper.
            OSError: it cannot be read.
        """
        ...


class SnapshotStore(Protocol):
    """The local disk, used from threads. Where `write` fails, what was kept before is kept."""

    def read(self) -> Snapshot | None:
        """Return what is kept, if anything is.

        Raises:
            BadDirectoryError: it was damaged, or is not ours.
            OSError: it cannot be read.
        """
        ...

    def write(self, snapshot: Snapshot) -> None:
        """Keep this instead, at the cost of what changed. Raises `OSError`."""

    def compact(self) -> None:
        """Free what is kept of earlier states, if that is worth it. Raises `OSError`."""

    def withdraw(self) -> None:
        """Keep nothing from which a process could start and answer checks. Raises `OSError`."""


class LeaseLedger(Protocol):
    """The one account of what was spent and leased, shared by every process."""

    async def answer(self, asks: Sequence[tuple[BudgetId, Ask]]) -> Sequence[Answer | None]:
        """Answer asks in one transaction; in the same order.

        There is no answer where there is no such budget: an unknown account or key, or a key
        without limits of its own.

        Raises:
            DatabaseError: it is unknown whether anything was booked; or the ledger has lost its
                newest state and grants nothing yet.
        """
        ...

    async def count_processes(self) -> int:
        """Return how many processes may still answer checks. Raises `DatabaseError`."""
        ...

    async def ping(self) -> None:
        """Return if an ask would have a chance. Raises `DatabaseError`."""
