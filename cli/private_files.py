"""Files that are whole, and as private as they should be, from the moment they have their name."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def create_private(path: Path) -> int:
    """Make an empty file of mode 0600 and return its descriptor. Raises `FileExistsError`."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that must not exist yet. Raises `FileExistsError`."""
    unfinished = _write_unfinished(path, content, mode)
    try:
        path.hardlink_to(unfinished)  # unlike a rename, it never replaces
    finally:
        unfinished.unlink()


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file in the place of another; a reader finds one or the other, whole."""
    unfinished = _write_unfinished(path, content, mode)
    try:
        _keep_owner(path, unfinished)
        unfinished.rename(path)
    except OSError:
        unfinished.unlink()
        raise


def _keep_owner(path: Path, unfinished: Path) -> None:
    """Let the service that reads a file go on reading it when root writes a new one."""
    with suppress(FileNotFoundError):
        os.chown(unfinished, path.stat().st_uid, -1)


def _write_unfinished(path: Path, content: bytes, mode: int) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except BaseException:
        unfinished.unlink()
        raise
    return unfinished
