"""CSV for spreadsheets."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.sheet import Cell, to_line


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_name_is_never_a_formula(start: str) -> None:
    """Whoever chose it cannot have a spreadsheet run anything."""
    [[cell]] = csv.reader(io.StringIO(to_line([f"{start}cmd|' /C calc'!A0"]), newline=""))
    assert cell == f"'{start}cmd|' /C calc'!A0"


def test_numbers_stay_numbers() -> None:
    """A figure is ours, also where it is below 0; what is absent is an empty cell."""
    assert to_line([-3, 0, None, "a"]) == "-3,0,,a"


@given(st.lists(st.one_of(st.integers(), st.text(st.characters(exclude_categories=["Cs"])))))
def test_what_is_written_is_read_again(row: list[Cell]) -> None:
    """Commas, quotes and ends of lines in a name tear no row apart."""
    rows = list(csv.reader(io.StringIO(to_line([*row, "end"]), newline="")))
    assert len(rows) == 1
    for cell, read in zip(row, rows[0], strict=False):
        assert str(cell) == read or f"'{cell}" == read
