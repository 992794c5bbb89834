"""Name the files below a path, without leaving it."""

import os
from collections.abc import Iterator
from pathlib import PurePath
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from cli.scan.findings import Problem


class File(NamedTuple):
    """A file to read; `given` if the user named it, who may name links, pipes and devices."""

    path: str
    size_bytes: int
    given: bool = False


def walk(path: str) -> Iterator[File | Problem]:
    """Yield every regular file at or below `path`.

    No symbolic link below it is followed: what it points to either is in the tree, and is met
    there, or is outside. Compressed git objects are passed over: they read as noise.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - a PurePath would lose `./` and bytes of the name
    except (OSError, ValueError) as error:
        yield Problem(path, reason(error))
        return
    if not S_ISDIR(status.st_mode):
        size = status.st_size if S_ISREG(status.st_mode) else 0
        yield File(path, size, given=True)
        return
    folders = [path]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                yield from _files(entries, folders)
        except OSError as error:
            yield Problem(folder, reason(error))


def reason(error: OSError | ValueError) -> str:
    """Say what went wrong, without the file's name, which is said beside it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _files(entries: Iterator[os.DirEntry[str]], folders: list[str]) -> Iterator[File | Problem]:
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if not _holds_git_objects(entry.path):
                    folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield File(entry.path, entry.stat(follow_symlinks=False).st_size)
        except OSError as error:
            yield Problem(entry.path, reason(error))


def _holds_git_objects(path: str) -> bool:
    return path.endswith("objects") and PurePath(path).parts[-2:] == (".git", "objects")
