"""What a build holds, file by file, written beside it so that damage can be found later."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

FILE: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its size in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


Manifest = Mapping[str, Entry]
"""Entries by the file's path in the build."""


def name_of(manifest: Manifest) -> str:
    """Name a build after its contents."""
    lines = "".join(f"{path} {manifest[path].sha256}\n" for path in sorted(manifest))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def read_manifest(build: Path) -> Manifest:
    """Read a build's manifest.

    Raises:
        OSError: there is none.
        ValueError: it is not what `file_of` wrote.
    """
    path = build / FILE
    try:
        fields = orjson.loads(path.read_bytes())
        return {name: Entry(int(e["size"]), str(e["sha256"])) for name, e in fields.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not what was written there: {error!r}") from error


def file_of(manifest: Manifest) -> dict[str, bytes]:
    """Write a manifest: the file's path in its build, and what it holds."""
    fields = {path: asdict(manifest[path]) for path in sorted(manifest)}
    return {FILE: orjson.dumps(fields, option=orjson.OPT_INDENT_2)}
