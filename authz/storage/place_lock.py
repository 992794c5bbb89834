"""Proof that one process at most runs in a place."""

import fcntl
import os
from pathlib import Path


class PlaceTakenError(Exception):
    """Another process runs there; the message is one sentence for whoever started this one."""


def take_place(path: Path) -> int:
    """Lock the place of a file, by a file beside it, for as long as this process lives.

    Nobody can take the lock from a process that is frozen, and nothing has to free it after one
    that was killed. So whoever holds it knows that all who held it before have ended.

    Returns the descriptor that holds the lock; it is never to be closed.

    Raises:
        PlaceTakenError: another process holds it.
        OSError: the file cannot be made.
    """
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise PlaceTakenError(f"Another process runs at {path}; it holds {lock}.") from None
    return descriptor
