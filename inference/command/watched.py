"""Shows what takes long: a bar in a terminal, a line elsewhere."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from inference.progress import Advance

_PATIENCE_SECONDS: Final = 2.0
"""What is done sooner needs no line."""


class Watched:
    """Tells whoever looks at standard error."""

    @contextmanager
    def step(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """Show what is under way until the block ends."""
        if sys.stderr.isatty():
            with _bar(what, total) as advance:
                yield advance
        else:
            with _line(what):
                yield lambda _: None


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Advance]:
    size = () if total is None else (BarColumn(), DownloadColumn())
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *size, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda amount: progress.advance(task, amount)


@contextmanager
def _line(what: str) -> Iterator[None]:
    timer = threading.Timer(_PATIENCE_SECONDS, lambda: typer.echo(f"{what} ...", err=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
