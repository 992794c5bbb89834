"""A file that is only added to, all of it under one seal made with a pepper."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import Final, TypeAlias

from authz.domain.directory import BadDirectoryError, PepperId
from authz.domain.pepper import Peppers

Record: TypeAlias = tuple[int, bytes]
"""A kind, below 256, and a content."""

FACTS_BYTES: Final = 32
"""What is written anew with each seal."""

_MAGIC: Final = b"tessera keys 2"
"""Another number whenever a state holds more than before: a release that knows nothing of it would
go on with a log and leave it out, and nobody would miss it there."""
_HEADER: Final = Struct(f"<14sQQQ32s8s{FACTS_BYTES}s")
_SEAL_BYTES: Final = 32
_SLOT_BYTES: Final = 512
_RECORDS_AT: Final = 2 * _SLOT_BYTES
_FRAME: Final = Struct("<BI")
_BLOCK_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Header:
    """Says how far the file counts: `length` bytes of records, whose SHA-256 is `digest`.

    There are two, written in turn, so that one is whole at any moment. `base_length` is how long
    the records were when the file was made.
    """

    sequence: int
    length: int
    base_length: int
    digest: bytes
    pepper_id: PepperId
    facts: bytes

    def pack(self, peppers: Peppers) -> bytes:
        """Return its bytes, and their seal."""
        content = _HEADER.pack(
            _MAGIC,
            self.sequence,
            self.length,
            self.base_length,
            self.digest,
            self.pepper_id.encode("ascii"),
            self.facts,
        )
        return content + peppers.seal(content, self.pepper_id)

    @classmethod
    def parse(cls, slot: bytes, peppers: Peppers) -> "Header | None":
        """Undo `pack`; nothing where it was not sealed with a pepper that is known."""
        content, seal = slot[: _HEADER.size], slot[_HEADER.size : _HEADER.size + _SEAL_BYTES]
        if len(content) < _HEADER.size or not content.startswith(_MAGIC):
            return None
        _, sequence, length, base_length, digest, pepper_id, facts = _HEADER.unpack(content)
        name = PepperId(pepper_id.decode("ascii", "replace"))
        if name not in peppers or not peppers.is_sealed(content, seal, name):
            return None
        return cls(sequence, length, base_length, digest, name, facts)


class SealedLog:
    """One file: two headers, then records, of which only those count that a header covers.

    What follows them was never finished, and is written over. A crash at any moment leaves the
    state before or the state after, because a header is written last. `peppers` gives all that may
    have sealed it; the newest one seals.
    """

    def __init__(self, path: Path, descriptor: int, peppers: Callable[[], Peppers]) -> None:
        self._path = path
        self._descriptor = descriptor
        self._peppers = peppers
        self._header: Header | None = None
        self._hash = hashlib.sha256()

    @classmethod
    def create(cls, path: Path, peppers: Callable[[], Peppers]) -> "SealedLog":
        """Make an empty file, readable by its owner alone. Raises `OSError`."""
        return cls(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), peppers)

    @classmethod
    def open(cls, path: Path, peppers: Callable[[], Peppers]) -> "SealedLog":
        """Open a file to `read` it, then add to it. Raises `OSError`."""
        return cls(path, os.open(path, os.O_RDWR), peppers)

    @property
    def length(self) -> int:
        """How many bytes of records there are."""
        return self._header.length if self._header else 0

    @property
    def base_length(self) -> int:
        """How many there were when the file was made."""
        return self._header.base_length if self._header else 0

    def headers(self) -> list[Header]:
        """Return the headers that are whole, the newer first. Raises `OSError`."""
        slots = (os.pread(self._descriptor, _SLOT_BYTES, at) for at in (0, _SLOT_BYTES))
        parsed = [Header.parse(slot, self._peppers()) for slot in slots]
        whole = [header for header in parsed if header is not None]
        return sorted(whole, key=lambda header: header.sequence, reverse=True)

    def is_last(self, header: Header) -> bool:
        """Tell whether nothing was sealed after a header that can be read no more.

        Raises:
            OSError: it cannot be read.
        """
        at = (header.sequence + 1) % 2 * _SLOT_BYTES
        slot = os.pread(self._descriptor, _SLOT_BYTES, at)
        other = Header.parse(slot, self._peppers())
        return other.sequence < header.sequence if other else not any(slot)

    def read(self, header: Header) -> Iterator[Record]:
        """Yield the records that a header covers; what is written later then follows these.

        None of them may be believed before the last was yielded.

        Raises:
            BadDirectoryError: they are not what was sealed.
            OSError: they cannot be read.
        """
        read = hashlib.sha256()
        reader = _Reader(self._descriptor, header.length)
        while reader.left:
            frame = reader.take(_FRAME.size)
            kind, size = _FRAME.unpack(frame)
            content = reader.take(size)
            read.update(frame)
            read.update(content)
            yield kind, content
        if read.digest() != header.digest:
            raise BadDirectoryError("the snapshot's seal does not fit its content")
        self._header = header
        self._hash = read

    def write(self, records: Iterable[Record], facts: bytes) -> None:
        """Add records, then seal all of them together with `facts`. Raises `OSError`."""
        total, length = self._hash.copy(), self.length
        for block in _join(records):
            _write_all(self._descriptor, block, _RECORDS_AT + length)
            total.update(block)
            length += len(block)
        before, peppers = self._header, self._peppers()
        header = Header(
            before.sequence + 1 if before else 0,
            length,
            before.base_length if before else length,
            total.digest(),
            peppers.newest.id,
            facts,
        )
        at = header.sequence % 2 * _SLOT_BYTES
        _write_all(self._descriptor, header.pack(peppers), at)
        self._header = header
        self._hash = total

    def move(self, path: Path) -> None:
        """Take the place of another file, once all is on the disk itself. Raises `OSError`."""
        os.fsync(self._descriptor)
        self._path.replace(path)
        self._path = path

    def close(self) -> None:
        """Read and write no more."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Close and delete the file. Raises `OSError`."""
        self._path.unlink(missing_ok=True)
        self.close()


@dataclass(slots=True)
class _Reader:
    """Takes pieces off the records, a block read at a time."""

    _descriptor: int
    left: int
    _at: int = _RECORDS_AT
    _block: memoryview = field(default_factory=lambda: memoryview(b""))

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise BadDirectoryError("the snapshot ends within a record")
        self.left -= size
        if len(self._block) < size:
            self._refill(size)
        piece, self._block = bytes(self._block[:size]), self._block[size:]
        return piece

    def _refill(self, size: int) -> None:
        wanted = max(size, _BLOCK_BYTES)
        read = os.pread(self._descriptor, wanted - len(self._block), self._at)
        self._at += len(read)
        self._block = memoryview(bytes(self._block) + read)
        if len(self._block) < size:
            raise BadDirectoryError("the snapshot was cut")


def _join(records: Iterable[Record]) -> Iterator[bytes]:
    """Yield the records' bytes in blocks, so that a million rows are not held twice."""
    pieces: list[bytes] = []
    size = 0
    for kind, content in records:
        pieces += (_FRAME.pack(kind, len(content)), content)
        size += len(content)
        if size >= _BLOCK_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, at)
        content, at = content[written:], at + written
