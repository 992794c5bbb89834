"""Whether a plan can be made here at all: better known at once than after hours.

Measured with TensorRT-RTX on layers of an 8B model: memory of its own came to 1.6 times the
weights, which it maps besides, and the plan to 1.003 times. That is two sizes of one library: a
rule of thumb, so it can be overruled.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from inference.tensorrt.compiler import CompileError

_MEMORY_PER_WEIGHT: Final = 1.6
_DISK_PER_WEIGHT: Final = 1.05
_MEMORY_LEAST: Final = 512 * 2**20
_DISK_LEAST: Final = 64 * 2**20
_GROUP: Final = Path("/sys/fs/cgroup")
_GB: Final = 10**9


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes, of memory and of disk."""

    memory: int
    disk: int

    @classmethod
    def needed(cls, weight_bytes: int) -> Self:
        """Estimate what compiling takes."""
        return cls(
            memory=_MEMORY_LEAST + round(weight_bytes * _MEMORY_PER_WEIGHT),
            disk=_DISK_LEAST + round(weight_bytes * _DISK_PER_WEIGHT),
        )

    @classmethod
    def here(cls, folder: Path) -> Self:
        """Measure what is free, for a file in `folder`; a container may have less than its host.

        Raises:
            OSError: the folder cannot be looked at.
        """
        return cls(memory=min(_machine(), _container()), disk=shutil.disk_usage(folder).free)

    def require(self, needed: "Room") -> None:
        """Check that there is enough.

        Raises:
            CompileError: there is not.
        """
        pairs = {"memory": (needed.memory, self.memory), "disk": (needed.disk, self.disk)}
        short = [
            f"about {need / _GB:.1f} GB of {kind}, of which {free / _GB:.1f} GB are free"
            for kind, (need, free) in pairs.items()
            if need > free
        ]
        if short:
            raise CompileError(f"compiling this model takes {' and '.join(short)}")


def _machine() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo does not say how much memory is available")


def _container() -> int:
    """Return what the control group leaves; what it counts as used is partly files' pages."""
    try:
        most = (_GROUP / "memory.max").read_text().strip()
        used = int((_GROUP / "memory.current").read_text())
        reclaimable = _inactive_files()
    except FileNotFoundError:  # the whole machine, or the older kind of group
        return _machine()
    return _machine() if most == "max" else int(most) - used + reclaimable


def _inactive_files() -> int:
    for line in (_GROUP / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file":
            return int(value)
    return 0
