"""Lets one process at a time work on a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.progress import Progress


@contextmanager
def locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder; a wait for another process is shown. The system frees it with the process.

    Raises:
        OSError: there is no such folder, or its disk knows no locks.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("waiting for another compilation"):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
