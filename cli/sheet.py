"""A row as CSV that a spreadsheet reads as what it says, and never runs."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

Cell: TypeAlias = str | int | Decimal | None

_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Names are chosen by others, and a spreadsheet would run what begins so."""
_END: Final = "\r\n"
"""What is a part of it is quoted, too."""


def to_line(row: Sequence[Cell]) -> str:
    """Return one line, without its end; what is absent is an empty cell."""
    line = io.StringIO()
    csv.writer(line, lineterminator=_END).writerow([_defuse(cell) for cell in row])
    return line.getvalue().removesuffix(_END)


def _defuse(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_BEGINS_A_FORMULA):
        return f"'{cell}"
    return cell
