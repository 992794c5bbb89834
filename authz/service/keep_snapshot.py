"""Keeps the last good directory on the local disk, and starts from it."""

import asyncio
import threading

import structlog

from authz.domain.directory import BadDirectoryError
from authz.domain.snapshot import NEVER, Snapshot
from authz.service.current_directory import CurrentDirectory
from authz.service.ports import SnapshotStore

_log = structlog.get_logger()


class SnapshotKeeper:
    """Writes the directory down whenever it changes, and how fresh it is every `interval_seconds`.

    A change is on the disk before anybody is told that it is applied. Or else a process that dies
    then, and comes back while PostgreSQL is away, would let in a key of which somebody was told
    that it is refused everywhere.
    """

    def __init__(
        self, store: SnapshotStore, current: CurrentDirectory, interval_seconds: float
    ) -> None:
        self._store = store
        self._current = current
        self._interval_seconds = interval_seconds
        self._written: Snapshot | None = None
        self._number = 0
        self._is_withdrawn = False
        self._failure: str | None = None
        self._writing = threading.Lock()

    @property
    def number(self) -> int:
        """The change up to which a start from the disk knows everything, or lets nobody in."""
        return self._number

    def restore(self) -> None:
        """Start from the disk, as old as what is there; what is bad is as good as nothing."""
        try:
            snapshot = self._store.read()
        except (BadDirectoryError, OSError) as error:
            _log.error("snapshot.refused", why=str(error))
            # It must not turn good again when this process has told that it knows more.
            self._give_up(0)
            return
        if snapshot is None:
            return
        self._current.adopt(snapshot.directory)
        # Whoever wrote it may have promised to refuse everything sooner than this process would.
        heard_at = min(snapshot.heard_at, snapshot.fresh_until - self._current.max_stale_seconds)
        if heard_at <= self._current.now():
            self._current.confirm(heard_at)
        self._written = snapshot
        self._number = snapshot.directory.number
        _log.info(
            "snapshot.restored",
            number=self._number,
            age_seconds=round(self._current.age_seconds, 1),
            fresh=self._current.is_fresh,
        )

    async def run(self) -> None:
        """Write again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            await self.keep()
            await asyncio.to_thread(self._compact)

    async def keep(self) -> None:
        """Write down what changed, if anything did: the state, or when it was confirmed."""
        # In a thread, because a slow disk must not hold up a check.
        await asyncio.to_thread(self._write)

    async def withdraw(self) -> bool:
        """Let nobody in from the disk from now on; return whether that can be relied on.

        The state may stay there, to save the next process here reading everything anew.
        """
        self._is_withdrawn = True
        return await asyncio.to_thread(self._write)

    def _write(self) -> bool:
        """Write what changed; return whether nothing older than that is left."""
        with self._writing:
            directory = self._current.directory
            if directory is None:
                return True
            heard_at = NEVER if self._is_withdrawn else self._current.heard_at
            snapshot = Snapshot(directory, heard_at, heard_at + self._current.max_stale_seconds)
            try:
                if snapshot != self._written:
                    self._store.write(snapshot)
            except OSError as error:
                self._fail(error)
                return self._give_up(directory.number)
            self._failure = None
            self._written = snapshot
            self._number = directory.number
            return True

    def _give_up(self, number: int) -> bool:
        """Go on without a snapshot: one that is older than `number` is worse than none."""
        self._written = None
        try:
            self._store.withdraw()
        except OSError as error:
            self._fail(error)
            return False
        self._number = number
        return True

    def _compact(self) -> None:
        try:
            self._store.compact()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        """Say why, once."""
        why = error.strerror or type(error).__name__
        if why != self._failure:
            _log.error("snapshot.failed", why=why)
        self._failure = why
