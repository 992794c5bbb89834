"""How far a file of failures was read, and what was found there."""

from collections.abc import Sequence
from dataclasses import dataclass

from authz.domain.usage.failure import Failure


@dataclass(frozen=True, slots=True)
class Position:
    """So many bytes into the file that has this number as long as it exists."""

    file: int
    offset: int


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures in the order in which they were seen, and the position after them."""

    found: Sequence[Failure]
    position: Position
