"""What a scan reports. Nothing here holds a whole key, so nothing here can leak one."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from contract.keys import PATTERN, mask_key

_FINGERPRINT_LENGTH: Final = 16
_KEY: Final = re.compile(PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A key at a place in some bytes: its line and byte column, both from 1."""

    line: int
    column: int
    masked: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What was seen in one file, stream or git object."""

    sightings: tuple[Sighting, ...] = ()
    near_misses: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A key and where it is.

    In history, `commit` is the first that holds it, `repository` the path that was asked for and
    `file` the path inside; `file` is empty for the text of a commit or tag.
    """

    repository: str
    file: str
    line: int
    column: int
    commit: str
    masked: str
    fingerprint: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that should have been scanned and was not, or not whole."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a scan, or of a part of one."""

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    near_misses: int = 0
    files: int = 0
    objects: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Report") -> "Report":
        return Report(
            self.findings + other.findings,
            self.problems + other.problems,
            self.near_misses + other.near_misses,
            self.files + other.files,
            self.objects + other.objects,
            self.size_bytes + other.size_bytes,
        )


def place(sighting: Sighting, file: str, *, repository: str = "", commit: str = "") -> Finding:
    """Say in which file, and at which commit, a key was seen."""
    return Finding(
        repository,
        file,
        sighting.line,
        sighting.column,
        commit,
        sighting.masked,
        sighting.fingerprint,
    )


def fingerprint(key: str) -> str:
    """Return a short digest by which findings of one key match, here and in another's scan.

    A key has 202 random bits, so its unkeyed digest cannot be turned back into it.
    """
    return hashlib.sha256(key.encode("ascii")).hexdigest()[:_FINGERPRINT_LENGTH]


def redact(text: str) -> str:
    """Mask whatever has a key's form: a file's name, or git's words about it, may hold one."""
    return _KEY.sub(lambda match: mask_key(match[0]), text)
