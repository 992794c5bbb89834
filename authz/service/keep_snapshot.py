"""Keeps the last good directory on the local disk, and starts from it."""

import asyncio
from collections.abc import Callable

import structlog

from authz.domain.directory import BadDirectoryError
from authz.domain.snapshot import Snapshot
from authz.service.current_directory import CurrentDirectory
from authz.service.ports import SnapshotStore

_log = structlog.get_logger()


class SnapshotKeeper:
    """Writes the directory down, every `interval_seconds` in which it was confirmed.

    `clock` gives Unix seconds: how old a file is has to outlive the process that wrote it.
    """

    def __init__(
        self,
        store: SnapshotStore,
        current: CurrentDirectory,
        interval_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._current = current
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._written_at = 0.0

    def restore(self) -> None:
        """Start from the file, as old as it is; a bad file is as good as none."""
        try:
            snapshot = self._store.read()
        except (BadDirectoryError, OSError) as error:
            _log.error("snapshot.refused", why=str(error))
            return
        if snapshot is None:
            return
        age_seconds = self._clock() - snapshot.heard_at
        if age_seconds < 0:
            _log.error("snapshot.refused", why="it is from the future")
            return
        self._current.confirm(snapshot.directory, age_seconds)
        self._written_at = snapshot.heard_at
        _log.info(
            "snapshot.restored",
            number=snapshot.directory.number,
            age_seconds=round(age_seconds, 1),
            fresh=self._current.is_fresh,
        )

    async def run(self) -> None:
        """Write again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            # In a thread, because a slow disk must not hold up a check.
            await asyncio.to_thread(self.write)

    def write(self) -> None:
        """Write the state down, if it was confirmed since it was last written."""
        directory = self._current.directory
        if directory is None:
            return
        heard_at = self._clock() - self._current.age_seconds
        if heard_at - self._written_at < self._interval_seconds / 2:
            return
        try:
            self._store.write(Snapshot(directory, heard_at))
        except OSError as error:
            _log.error("snapshot.failed", why=error.strerror)
            return
        self._written_at = heard_at
