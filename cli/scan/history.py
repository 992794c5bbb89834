"""Scan everything that a git repository's refs reach: each file's every version, read once."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cli.scan.findings import Finding, Problem, Report, Scan, Sighting, place
from cli.scan.git import SILENCE_SECONDS, GitError, Output, Repository
from cli.scan.scanner import CHUNK_BYTES, Scanner

_LIST_OBJECTS: Final = ("rev-list", "--objects", "--no-object-names", "--missing=print", "--all")
_READ_OBJECTS: Final = ("cat-file", "--batch", "--buffer")
# Parents before children, so the first commit met with a file's version is the one it came with.
_LIST_COMMITS: Final = ("rev-list", "--all", "--date-order", "--reverse")
# A merge is compared with all its parents at once: what it only brought along came earlier.
_READ_CHANGES: Final = ("diff-tree", "--stdin", "--root", "-r", "-c", "--no-renames", "-z")
_TALKING: Final = frozenset({b"commit", b"tag"})


@dataclass(slots=True)
class _Seen:
    """What a pass over all objects has gathered."""

    blobs: dict[str, tuple[Sighting, ...]] = field(default_factory=dict)
    messages: dict[str, tuple[Sighting, ...]] = field(default_factory=dict)
    near_misses: int = 0
    objects: int = 0
    size_bytes: int = 0
    missing: int = 0


def scan_history(
    repository: Repository,
    on_object: Callable[[int], None],
    *,
    silence_seconds: float = SILENCE_SECONDS,
) -> Report:
    """Find keys in all versions of all files, and in commits' and tags' texts.

    A key is reported once for each path that held it, at the commit it came with. `on_object`
    hears the size of each object, in bytes, once it was read.
    """
    seen = _Seen()
    problems: list[Problem] = []
    findings: list[Finding] = []
    try:
        if repository.is_shallow():
            problems.append(
                Problem(repository.asked, "the clone is shallow: it lacks older commits")
            )
        _read_objects(repository, seen, on_object, silence_seconds)
    except GitError as error:
        problems.append(Problem(repository.asked, str(error)))
    if seen.missing:
        reason = f"{seen.missing} objects are not in this clone: fetch them and scan again"
        problems.append(Problem(repository.asked, reason))
    try:
        findings += _first_places(repository, seen, silence_seconds)
    except GitError as error:
        problems.append(Problem(repository.asked, str(error)))
    return Report(
        tuple(findings),
        tuple(problems),
        seen.near_misses,
        objects=seen.objects,
        size_bytes=seen.size_bytes,
    )


def _read_objects(
    repository: Repository, seen: _Seen, on_object: Callable[[int], None], silence_seconds: float
) -> None:
    scanner = Scanner()
    with repository.pipe(_LIST_OBJECTS, _READ_OBJECTS, silence_seconds) as output:
        while header := output.readline():
            name, kind, *rest = header.split()
            if not rest:
                seen.missing += 1
                continue
            size = int(rest[0])
            if kind == b"tree":
                _skip(output, size)
            else:
                scan = _scan_object(scanner, output, size)
                _note(seen, name.decode("ascii"), kind, scan)
                on_object(size)
            _skip(output, 1)


def _scan_object(scanner: Scanner, output: Output, size: int) -> Scan:
    if size > CHUNK_BYTES:
        return scanner.scan(_Part(output, size).read)
    text = output.read(size)
    # Lines are counted only where there is something to find in them.
    if not scanner.mentions_prefix(io.BytesIO(text).readinto):
        return Scan(size_bytes=size)
    return scanner.scan(io.BytesIO(text).readinto)


@dataclass(slots=True)
class _Part:
    """The next bytes of a stream, and no more."""

    stream: Output
    left: int

    def read(self, view: memoryview) -> int:
        """Fill a buffer from what is left."""
        count = self.stream.readinto1(view[: self.left]) if self.left else 0
        self.left -= count
        return count


def _skip(output: Output, size: int) -> None:
    while size > 0 and (skipped := len(output.read(min(size, CHUNK_BYTES)))):
        size -= skipped


def _note(seen: _Seen, name: str, kind: bytes, scan: Scan) -> None:
    seen.objects += 1
    seen.near_misses += scan.near_misses
    seen.size_bytes += scan.size_bytes
    if scan.sightings:
        (seen.messages if kind in _TALKING else seen.blobs)[name] = scan.sightings


def _first_places(repository: Repository, seen: _Seen, silence_seconds: float) -> Iterator[Finding]:
    for commit, sightings in seen.messages.items():
        for sighting in sightings:
            yield place(sighting, "", repository=repository.asked, commit=commit)
    known: set[tuple[str, str]] = set()
    unplaced = dict(seen.blobs)
    for blob, commit, file in _births(repository, seen.blobs, silence_seconds):
        unplaced.pop(blob, None)
        for sighting in seen.blobs[blob]:
            if (sighting.fingerprint, file) not in known:
                known.add((sighting.fingerprint, file))
                yield place(sighting, file, repository=repository.asked, commit=commit)
    for sightings in unplaced.values():  # a tag may name a file that no commit holds
        for sighting in sightings:
            yield place(sighting, "", repository=repository.asked)


def _births(
    repository: Repository, blobs: dict[str, tuple[Sighting, ...]], silence_seconds: float
) -> Iterator[tuple[str, str, str]]:
    """Yield (blob, commit, path), oldest first, for each change that brought in one of `blobs`."""
    if not blobs:
        return
    commit = ""
    with repository.pipe(_LIST_COMMITS, _READ_CHANGES, silence_seconds) as output:
        tokens = _split(output)
        for token in tokens:
            if not token.startswith(b":"):
                commit = token.decode("ascii").strip()
                continue
            # `:` for each parent, then that many modes and one, as many names, and the status.
            parents = len(token) - len(token.lstrip(b":"))
            blob = token.split(b" ")[2 * parents + 1].decode("ascii")
            path = next(tokens, b"")
            if blob in blobs:
                yield blob, commit, path.decode(errors="surrogateescape")


def _split(output: Output) -> Iterator[bytes]:
    """Cut a stream at its zero bytes."""
    rest = b""
    while chunk := output.read1(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
