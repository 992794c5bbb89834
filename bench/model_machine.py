"""The machine that figures come from, as its kernel describes it."""

import os
import platform
import shutil
from pathlib import Path


def cpu_name() -> str:
    """Return how many cores of which processor there are."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return f"{os.cpu_count()} cores of {model}"


def memory_gib() -> float:
    """Return the machine's memory."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return pages / 2**30


def require_disk(folder: Path, size: int) -> None:
    """Give up before anything is written, where it has no place.

    Raises:
        SystemExit: there are fewer bytes free.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise SystemExit(
            f"A checkpoint of {size / 1e9:.3g} GB is to be written to {folder}, which has"
            f" {free / 1e9:.3g} GB left: name another folder with --folder"
        )
