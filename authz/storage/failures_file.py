"""The file in which Envoy names requests that did not end well, read while it grows."""

import os
from pathlib import Path
from typing import Final

import orjson
import structlog

from authz.domain.usage.failure import Failure
from authz.domain.usage.position import Failures, Position
from runtime.punch_hole import punch_hole

_CHUNK_BYTES: Final = 16 * 1024
_KEPT_BYTES: Final = 64 * 2**20
_FREED_AT_ONCE_BYTES: Final = 4 * 2**20

_log = structlog.get_logger()


class FailuresFile:
    """Reads line by line; a line that is not finished waits.

    Envoy holds the file open and only adds to it, so nobody else can make it shorter. Instead its
    beginning is given back to the disk once it lies `kept_bytes` behind. A file whose place another
    takes is read to its end before that one is begun; one that was cut is read from its start.
    """

    def __init__(self, path: Path, kept_bytes: int = _KEPT_BYTES) -> None:
        self._path = path
        self._kept_bytes = kept_bytes
        self._descriptor: int | None = None
        self._freed = 0

    def end(self) -> Position:
        """Return the position after all that is there. Raises `OSError`."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return Position(0, 0)
        return Position(stat.st_ino, stat.st_size)

    def read(self, position: Position) -> Failures | None:
        """Return the next failures after a position; nothing where there are none.

        Raises:
            OSError: they cannot be read.
        """
        found = self._find(position)
        if found is None:
            return None
        descriptor, position, is_newest = found
        content = os.pread(descriptor, _CHUNK_BYTES, position.offset)
        end = content.rfind(b"\n") + 1
        if not end and len(content) == _CHUNK_BYTES:
            end = len(content)  # so long a line is none of ours
        if end:
            after = Position(position.file, position.offset + end)
            return Failures(tuple(_parse(content[:end])), after)
        if is_newest:
            return None
        self._close()  # the rest of a line that nobody will finish
        return self.read(Position(0, 0))

    def release(self, position: Position) -> None:
        """Give back what lies far behind a position, if that is worth it."""
        length = position.offset - self._kept_bytes
        if self._descriptor is None or length < self._freed + _FREED_AT_ONCE_BYTES:
            return
        try:
            punch_hole(self._descriptor, length)
        except OSError as error:
            if not self._freed:
                _log.error("failures.kept", file=str(self._path), why=error.strerror)
        self._freed = length

    def _find(self, position: Position) -> tuple[int, Position, bool] | None:
        """Return what is to be read, from where, and whether it is the newest file."""
        newest = self.end().file
        if self._descriptor is None:
            if not newest:
                return None
            self._descriptor, self._freed = _open(self._path), 0
        stat = os.fstat(self._descriptor)
        is_known = position.file == stat.st_ino and position.offset <= stat.st_size
        offset = _skip_hole(self._descriptor, position.offset if is_known else 0)
        return self._descriptor, Position(stat.st_ino, offset), stat.st_ino == newest

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR)
    except PermissionError:  # then it can be read, and not made smaller
        return os.open(path, os.O_RDONLY)


def _skip_hole(descriptor: int, offset: int) -> int:
    """Return where there is something to read, at or after an offset."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:  # nothing follows
        return offset


def _parse(content: bytes) -> list[Failure]:
    found = (_parse_line(line) for line in content.split(b"\n"))
    return [each for each in found if each is not None]


def _parse_line(line: bytes) -> Failure | None:
    """Read a line; nothing where it is none of Envoy's, or was cut by a full disk."""
    try:
        fields = orjson.loads(line.strip(b"\0"))
        request_id = fields["request_id"]
        flags = frozenset(str(fields["flags"]).split(",")) - {"-"}
        status, sent_bytes = int(fields["status"] or 0), int(fields["sent_bytes"] or 0)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    if not isinstance(request_id, str) or not request_id:
        return None
    return Failure(request_id, status, flags, sent_bytes > 0)
