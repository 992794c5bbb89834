"""How long work tells that it goes on, without knowing who looks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Tells that so much more is done, in the unit of the step's total."""


class Progress(Protocol):
    """Somebody who may be waiting."""

    def step(self, what: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Show what is under way until the block ends; `total` is in bytes, where it is known."""
        ...


class Silent:
    """Nobody looks."""

    @contextmanager
    def step(self, what: str, total: int | None = None) -> Iterator[Advance]:  # noqa: ARG002
        """Show nothing."""
        yield lambda _: None
