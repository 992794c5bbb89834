"""One stack per state folder, from its first process to its last."""

import fcntl
import os
import time
from typing import Final

from stack.errors import StackError
from stack.layout import Layout
from stack.status import read_status, supervisor_lives

_WAIT_SECONDS: Final = 15.0


def acquire(layout: Layout) -> int:
    """Lock the state folder and return the descriptor that holds the lock.

    Every process that inherits the descriptor holds the lock too, so it is free only when the
    supervisor and all guards have ended. A stack whose supervisor was killed is waited for, while
    its guards clean up; a living one is refused.
    """
    try:
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StackError(f"{layout.lock} cannot be opened: {error.strerror}") from error
    deadline = time.monotonic() + _WAIT_SECONDS
    while not _try_lock(descriptor, fcntl.LOCK_EX):
        status = read_status(layout)
        if status is not None and supervisor_lives(status):
            os.close(descriptor)
            raise StackError(
                f"A stack already runs on {layout.state} (process {status.supervisor.pid});"
                f" stop it with: tessera down --state {layout.state}"
            )
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise StackError(f"Processes of an earlier stack still hold {layout.lock}")
        time.sleep(0.05)
    return descriptor


def is_held(layout: Layout) -> bool:
    """Tell whether any process of a stack on this state folder lives."""
    try:
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
