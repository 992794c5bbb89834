"""What a compiler is to the rest of this package; `api` finds the real one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class CompileError(Exception):
    """A plan cannot be made; the text is one sentence for whoever asked for it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a plan depends on besides its graph: it runs nowhere else.

    `target` is the GPU's compute capability, such as `sm90`.
    """

    library: str
    version: str
    target: str

    def __str__(self) -> str:
        return f"{self.library} {self.version} for {self.target}"


@dataclass(frozen=True, slots=True)
class Range:
    """The sizes of one dimension, from the least to the most; the plan is tuned for the usual."""

    least: int
    usual: int
    most: int


Profile = Mapping[str, Range]
"""The sizes of the graph's dimensions, by their names: one of the shapes that a plan is made for.

A dimension that several inputs share has one name, so they agree.
"""

Write = Callable[[bytes | memoryview], None]
"""Takes the next part of a plan."""


class Watch(Protocol):
    """Whoever waits for a plan; called from the compiler's threads."""

    def tell(self, phase: str) -> None:
        """Hear what is under way now."""
        ...

    def goes_on(self) -> bool:
        """Say whether the plan is still wanted."""
        ...


class Compiler(Protocol):
    """Makes plans."""

    @property
    def identity(self) -> Identity:
        """Name the library and what it compiles for."""
        ...

    def compile(
        self,
        graph: Path,
        profiles: Sequence[Profile],
        write: Write,
        watch: Watch,
        timings: bytes,
    ) -> bytes:
        """Write a plan of the graph for the profiles, and return the timings of its kernels.

        `timings` are what an earlier call returned, or nothing: they spare measuring again.

        Raises:
            CompileError: the graph is not one that it can compile, or the plan is unwanted.
            OSError: `write` raised it.
        """
        ...
