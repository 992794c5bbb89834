"""Find keys in a stream of bytes of any length, in little memory.

A key counts by its checksum alone, whatever stands beside it. Letters that touch it are no sign of
a longer word: .pyc files put a key's length (51, the digit 3) before it and a type letter behind
it, and SQLite writes columns without a separator. Chance makes one wrong finding in 2^32 strings
that have a key's form.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from cli.scan.findings import Scan, Sighting, fingerprint
from contract.keys import (
    CHECKSUM_LENGTH,
    PATTERN,
    PREFIX,
    RANDOM_LENGTH,
    is_well_formed,
    mask_key,
)

CHUNK_BYTES: Final = 1 << 20

Read = Callable[[memoryview], int]
"""Fills the beginning of a buffer and returns how many bytes it wrote; 0 is the end."""

_LETTERS: Final = RANDOM_LENGTH + CHECKSUM_LENGTH
_NARROW_PREFIX: Final = PREFIX.encode("ascii")
# The same bytes in both byte orders: from the first letter to the last, without an outer zero.
_WIDE_PREFIX: Final = PREFIX.encode("utf-16-le")[:-1]
_NARROW: Final = re.compile(PATTERN.encode("ascii"))
_WIDE: Final = re.compile(re.escape(_WIDE_PREFIX) + rb"(?:\0[0-9A-Za-z]){%d}" % _LETTERS)
_LONGEST_BYTES: Final = 2 * (len(PREFIX) + _LETTERS) - 1


class Scanner:
    """Finds keys as ASCII (so UTF-8 too) and UTF-16. Reuses one buffer: one scan at a time."""

    def __init__(self, chunk_bytes: int = CHUNK_BYTES) -> None:
        # What is kept of a chunk is one byte short of a match: none is missed, none seen twice
        # whole, if matches that end within the kept part are passed over.
        self._buffer = bytearray(_LONGEST_BYTES - 1 + chunk_bytes)
        self._view = memoryview(self._buffer)

    def mentions_prefix(self, read: Read) -> bool:
        """Tell, at the speed of a substring search, whether a scan could find anything."""
        return any(self._is_worth_a_look(end) for _, end in self._windows(read))

    def scan(self, read: Read) -> Scan:
        """Read to the end; return every key, and how many strings have only a key's form."""
        sightings: list[Sighting] = []
        near_misses = size = lines = 0
        line_start = 0  # relative to the window, so at or below 0
        for kept, end in self._windows(read):
            size += end - kept
            for position, text in self._candidates(kept, end):
                if is_well_formed(text):
                    sightings.append(self._describe(position, text, lines, line_start))
                else:
                    near_misses += 1
            leaving = max(0, end - _LONGEST_BYTES + 1)
            lines += self._buffer.count(b"\n", 0, leaving)
            newline = self._buffer.rfind(b"\n", 0, leaving)
            line_start = (newline + 1 if newline >= 0 else line_start) - leaving
        return Scan(tuple(sightings), near_misses, size)

    def _windows(self, read: Read) -> Iterator[tuple[int, int]]:
        """Yield how many bytes in the buffer were there before, and how many there are."""
        kept = 0
        while count := read(self._view[kept:]):
            end = kept + count
            yield kept, end
            kept = min(end, _LONGEST_BYTES - 1)
            self._view[:kept] = self._view[end - kept : end]

    def _is_worth_a_look(self, end: int) -> bool:
        # UTF-16 is looked for only beside a zero byte: text has none, and to know is cheap.
        return self._buffer.find(_NARROW_PREFIX, 0, end) >= 0 or (
            self._buffer.find(b"\0", 0, end) >= 0 and self._buffer.find(_WIDE_PREFIX, 0, end) >= 0
        )

    def _candidates(self, kept: int, end: int) -> Iterator[tuple[int, str]]:
        if not self._is_worth_a_look(end):
            return
        for pattern in (_NARROW, _WIDE):
            start = 0
            while (match := pattern.search(self._buffer, start, end)) is not None:
                if match.end() > kept:
                    yield match.start(), match[0].replace(b"\0", b"").decode("ascii")
                # One that was cut off may end in the beginning of the next.
                start = match.start() + 1

    def _describe(self, position: int, key: str, lines: int, line_start: int) -> Sighting:
        newline = self._buffer.rfind(b"\n", 0, position)
        return Sighting(
            line=1 + lines + self._buffer.count(b"\n", 0, position),
            column=position - (newline + 1 if newline >= 0 else line_start) + 1,
            masked=mask_key(key),
            fingerprint=fingerprint(key),
        )
