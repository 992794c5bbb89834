"""What a caller can choose about a stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.silence import Patience


@dataclass(frozen=True, slots=True)
class Options:
    """A stack to start.

    `environment` holds settings to add, by process name (`authz` means every authz process), for
    tests and benchmarks.
    """

    state: Path = Path(".tessera")
    port: int = 8080
    """The public port; 0 picks a free one."""
    authz: int = 1
    """How many authz processes share the load."""
    model: Path | None = None
    """A model repository that was compiled; without one the local model's is built."""
    patience: Patience = field(default_factory=Patience)
    """With a process that hangs."""
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
