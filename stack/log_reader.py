"""Read a log while it is written, also when a new file takes its place."""

import contextlib
import os
from pathlib import Path
from typing import Final

_CHUNK_BYTES: Final = 2**20


class LogReader:
    """Reads a log from its beginning. A reader that falls two files behind misses lines."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = log.open("rb")

    def read(self) -> bytes:
        """Return what comes next; nothing where nothing new has been written."""
        # Asked first: what the writer added before it went on in the new file is then there.
        replaced = self._is_replaced()
        output = self._file.read(_CHUNK_BYTES)
        if output or not replaced:
            return output
        with contextlib.suppress(FileNotFoundError):  # it is being replaced again
            successor = self._log.open("rb")
            self._file.close()
            self._file = successor
        return self._file.read(_CHUNK_BYTES)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _is_replaced(self) -> bool:
        try:
            return not os.path.samestat(self._log.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False
