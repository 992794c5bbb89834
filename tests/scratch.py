"""Where a run keeps what it throws away: in memory, for a disk makes databases slowly."""

import os
import tempfile
from pathlib import Path
from typing import Final

import psutil

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a file system in memory, wherever there is one
_BYTES_MIN: Final = 6 * 2**30
"""What must be free: a run takes a third of it at most."""


def use_memory() -> None:
    """Let temporary files be made in memory, unless there is little or somebody chose a folder."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # it is asked for anew


def _has_room() -> bool:
    if not os.access(_MEMORY, os.W_OK):
        return False
    system = os.statvfs(_MEMORY)
    free = min(system.f_bavail * system.f_frsize, psutil.virtual_memory().available)
    return free >= _BYTES_MIN and not system.f_flag & os.ST_NOEXEC
