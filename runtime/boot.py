"""The machine's last start, and the clock that counts from it."""

import time
from pathlib import Path
from typing import Final
from uuid import UUID

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> UUID:
    """Return what is another after each start of the machine."""
    return UUID(_BOOT_ID.read_text("ascii").strip())


def seconds_since_boot() -> float:
    """Return the time that no clock setting moves, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def microseconds_since_boot() -> int:
    """Return the same in whole microseconds."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
