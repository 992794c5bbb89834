"""SHA-256 of big files, each read once: also by a later run, where it may keep what it found."""

import hashlib
from pathlib import Path
from typing import Final

import orjson

from inference.progress import Advance, Progress

_BLOCK_BYTES: Final = 8 * 2**20


class Digests:
    """The digests of files that have not changed in size, time and inode since they were read."""

    def __init__(self, kept: Path | None = None) -> None:
        """`kept` is the file that remembers; what cannot be read there is found anew."""
        self._kept = kept
        self._known: dict[str, list[object]] = _read(kept)

    def of(self, path: Path, progress: Progress) -> str:
        """Return a file's SHA-256, in hex.

        Raises:
            OSError: it cannot be read.
        """
        real = path.resolve()
        stat = real.stat()
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        match self._known.get(str(real)):
            case [*known, str(digest)] if known == stamp:
                return digest
        with progress.step(f"reading {path.name}", stat.st_size) as advance:
            digest = _read_digest(real, advance)
        self._known[str(real)] = [*stamp, digest]
        if self._kept is not None:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            self._kept.write_bytes(orjson.dumps(self._known, option=orjson.OPT_INDENT_2))
        return digest


def _read_digest(path: Path, advance: Advance) -> str:
    digest = hashlib.sha256()
    block = bytearray(_BLOCK_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(memoryview(block)[:count])
            advance(count)
    return digest.hexdigest()


def _read(kept: Path | None) -> dict[str, list[object]]:
    try:
        known = orjson.loads(kept.read_bytes()) if kept is not None else {}
    except (OSError, orjson.JSONDecodeError):
        return {}
    return known if isinstance(known, dict) else {}
