"""What is kept of the directory for a start without PostgreSQL."""

from dataclasses import dataclass
from typing import Final

from authz.domain.packed_directory import Directory

NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A directory, and when PostgreSQL last confirmed it.

    Times are in seconds by a clock that goes on while the machine is suspended, and begins anew
    with the machine. Checks may be answered from it until `fresh_until`; where `heard_at` is
    `NEVER`, it only saves reading everything anew.
    """

    directory: Directory
    heard_at: float
    fresh_until: float
