"""Write a log that stays within bounds: a full one becomes the predecessor of a new one.

The guards import this, so it keeps to the standard library, and to the parts that load fast.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 64 * 2**20
_LINE_BYTES_MAX: Final = 2**16
"""A log is full only at the end of a line, unless that does not come within this."""


class LogWriter:
    """Appends to a log through a descriptor that is open on it, which nobody else writes to.

    The descriptor keeps its number when the file behind it changes, so a traceback on standard
    error ends up in the log too.
    """

    def __init__(self, log: Path, descriptor: int, bytes_max: int = BYTES_MAX) -> None:
        self._log = log
        self._descriptor = descriptor
        self._bytes_max = bytes_max

    def write(self, output: bytes) -> None:
        """Append output, whole lines to each file; on a full disk it is lost."""
        while output:
            # The line that fills the file still belongs to it.
            end = output.find(b"\n", max(-self._excess() - 1, 0)) + 1 or len(output)
            head, output = output[:end], output[end:]
            self._append(head)
            if self._excess() >= (0 if head.endswith(b"\n") else _LINE_BYTES_MAX):
                self._turn_over()

    def _excess(self) -> int:
        """Return by how many bytes the file is too long; negative while there is room."""
        return os.fstat(self._descriptor).st_size - self._bytes_max

    def _append(self, output: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end a program that still works
            while output:
                output = output[os.write(self._descriptor, output) :]

    def _turn_over(self) -> None:
        with contextlib.suppress(OSError):  # where there can be no new file, the old one goes on
            with contextlib.suppress(FileNotFoundError):  # somebody has removed it
                self._log.replace(predecessor(self._log))
            successor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.dup2(successor, self._descriptor)
            os.close(successor)


def predecessor(log: Path) -> Path:
    """Return where a full log is kept, or that of the previous start; older ones are not."""
    return log.with_name(f"{log.name}.1")
