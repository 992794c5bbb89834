"""What the services need from outside, in their own words."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId, Directory
from authz.domain.snapshot import Snapshot


class DirectorySession(Protocol):
    """A connection to where the directory is kept, listening since it was opened."""

    async def wait(self, seconds: float) -> None:
        """Return when a change was announced, or after `seconds`."""

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


class SnapshotStore(Protocol):
    """The local disk."""

    def write(self, snapshot: Snapshot) -> None:
        """Replace what is kept. Raises `OSError`."""

    def read(self) -> Snapshot | None:
        """Return what is kept, if anything is.

        Raises:
            BadDirectoryError: it was damaged, or is not ours.
            OSError: it cannot be read.
        """
        ...


class RequestLedger(Protocol):
    """The one account of what was used, shared by every process."""

    async def take(
        self, account_id: AccountId, limit: int, asked: int, owed: float = 0.0
    ) -> tuple[int, Bucket]:
        """Charge all of `owed`, then up to `asked` at once.

        Returns how many of `asked` were granted, and the bucket after.

        Raises:
            DatabaseError: it is unknown whether anything was charged.
        """
        ...

    async def ping(self) -> None:
        """Return if a charge would have a chance. Raises `DatabaseError`."""
