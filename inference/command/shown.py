"""How the commands write, and how they end."""

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from inference.checkpoint.safetensors import CheckpointError
from inference.graph.scales import ScalesError
from inference.repository.foresight import OrderError
from inference.tensorrt.compiler import CompileError

_UNFOLDED: Final = 10_000
"""Columns of a table that goes to a file or another program: more than any path has."""
_INTERRUPTED: Final = 130


def console() -> Console:
    """Return what tables are written to."""
    width = None if sys.stdout.isatty() else _UNFOLDED
    return Console(highlight=False, width=width)


def write_facts(facts: dict[str, str]) -> None:
    """Write names and values, below each other."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    console().print(table, markup=False)


def write_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Write rows beneath headings."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table, markup=False)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """End with one sentence."""
    typer.echo(f"tessera: {sentence}", err=True)
    raise typer.Exit(code)


@contextmanager
def one_sentence_per_failure() -> Iterator[None]:
    """End the command as what failed says, and on Ctrl-C without a word."""
    try:
        yield
    except CheckpointError as error:
        fail(f"the checkpoint cannot be used: {error}")
    except (OrderError, CompileError, ScalesError) as error:
        fail(str(error))
    except BrokenPipeError:  # who reads has left
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            fail("the disk is full; what was there is unchanged: make room, and start again")
        fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
