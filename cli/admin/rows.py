"""Lays rows out: beneath headings or, where a terminal is too narrow, value below value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from google.protobuf.message import Message
from rich.table import Table
from rich.text import Text

from cli.printable import printable

M = TypeVar("M", bound=Message)

_WIDTH_MAX: Final = 140
_WIDTH_LEFT_MIN: Final = 8
"""What a column must have that takes what the others leave."""
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column(Generic[M]):
    """A column of a list; one without a width takes what the others leave."""

    heading: str
    value: Callable[[M], str]
    width: int | None = None


def lay_out(
    rows: Sequence[M], columns: Sequence[Column[M]], width: int, *, show_header: bool
) -> Table:
    """Return rows as they fit in `width`."""
    # It does not depend on what is in them, so the pages of a list stand beneath each other.
    needed = sum((column.width or _WIDTH_LEFT_MIN) + _GAP for column in columns)
    if width < needed - _GAP:
        return _below_each_other(rows, columns)
    return _side_by_side(rows, columns, width, show_header=show_header)


def plain_table(*, show_header: bool) -> Table:
    """Return a table without lines."""
    return Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=show_header)


def _side_by_side(
    rows: Sequence[M], columns: Sequence[Column[M]], width: int, *, show_header: bool
) -> Table:
    table = plain_table(show_header=show_header)
    table.width = min(width, _WIDTH_MAX)
    for column in columns:
        ratio = None if column.width else 1
        table.add_column(column.heading, width=column.width, ratio=ratio, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(column.value(row))) for column in columns))
    return table


def _below_each_other(rows: Sequence[M], columns: Sequence[Column[M]]) -> Table:
    table = plain_table(show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for row in rows:
        for column in columns:
            table.add_row(column.heading, Text(printable(column.value(row))))
        table.add_row()
    return table
