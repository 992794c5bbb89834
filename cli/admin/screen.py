"""Writes what a command has to tell: to people as tables, to programs as JSON."""

import sys
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from itertools import chain
from typing import Final, TextIO, TypeVar

from google.protobuf.message import Message
from rich.console import Console
from rich.text import Text

from cli.admin.document import Document, Json, to_document, to_json
from cli.admin.rows import Column, lay_out, plain_table
from cli.output import Output, SheetOutput
from cli.printable import printable
from cli.sheet import Cell, to_line

M = TypeVar("M", bound=Message)

_WIDTH: Final = 100
"""Columns of a table that goes to a file or another program."""


class Screen:
    """Standard output for what was asked for, standard error for all that is said besides."""

    def __init__(self, output: Output | SheetOutput) -> None:
        self.as_json = output == Output.JSON
        self.as_csv = output == SheetOutput.CSV
        _accept_all_text(sys.stdout, in_utf8=self.as_json or self.as_csv)
        _accept_all_text(sys.stderr, in_utf8=False)
        self.is_terminal = sys.stdout.isatty()
        self.errors = Console(stderr=True, highlight=False)
        self._console = Console(highlight=False, width=None if self.is_terminal else _WIDTH)

    def show(self, document: Document, part: str) -> None:
        """Write one thing: people are shown the part, programs get the whole."""
        if self.as_json:
            self._write(to_json(document))
            return
        table = plain_table(show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        shown = document[part]
        assert isinstance(shown, dict)  # noqa: S101 for the type checker
        for name, value in shown.items():
            table.add_row(name.replace("_", " "), Text(_show(value)))
        self._console.print(table)

    def show_pages(
        self,
        name: str,
        pages: Iterable[Sequence[M]],
        columns: Sequence[Column[M]],
        document: Callable[[M], Document] = to_document,
        if_none: str = "",
    ) -> None:
        """Write a list, each page as it comes; for programs an object that holds it as `name`."""
        if self.as_json:
            self._stream(name, (document(each) for page in pages for each in page))
            return
        none_yet = True
        for page in pages:
            if page:
                self._print_rows(page, columns, show_header=none_yet)
                none_yet = False
        if none_yet:
            self.note(if_none or f"There are no {name.replace('_', ' ')}.")

    def show_rows(self, rows: Sequence[M], columns: Sequence[Column[M]]) -> None:
        """Write rows for people."""
        self._print_rows(rows, columns, show_header=True)

    def write_sheet(self, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Write CSV with a line of headings, each row as it comes."""
        for row in chain([headings], rows):
            self._write(to_line(row))

    def show_secret(self, secret: str) -> None:
        """Write a secret on a line of its own that no terminal folds."""
        self._write(f"\n{secret}\n")
        self.note("This is the key. It is not shown again.")

    def print(self, text: str) -> None:
        """Write a line for people."""
        self._console.print(Text(printable(text)), soft_wrap=True)

    def note(self, text: str) -> None:
        """Tell something besides."""
        self.errors.print(Text(printable(text)), soft_wrap=True)

    def write_json(self, document: Document) -> None:
        """Write an object for programs."""
        self._write(to_json(document))

    def _stream(self, name: str, documents: Iterable[Document]) -> None:
        self._write(f'{{"{name}": [', end="")
        separator = "\n"
        for each in documents:
            self._write(f"{separator}  {to_json(each, indent=None)}", end="")
            separator = ",\n"
        self._write("\n]}")

    def _print_rows(
        self, rows: Sequence[M], columns: Sequence[Column[M]], *, show_header: bool
    ) -> None:
        width = self._console.width
        self._console.print(lay_out(rows, columns, width, show_header=show_header))

    def _write(self, text: str, end: str = "\n") -> None:
        sys.stdout.write(text + end)
        sys.stdout.flush()


def _accept_all_text(stream: TextIO, *, in_utf8: bool) -> None:
    """Let no letter that a stream cannot take end a command: a key may be made by then."""
    if not isinstance(stream, TextIOWrapper):
        return
    if in_utf8:
        stream.reconfigure(encoding="utf-8")
    else:
        stream.reconfigure(errors="backslashreplace")


def _show(value: Json) -> str:
    match value:
        case None | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(_show(each) for each in value)
        case dict():
            return to_json(value)
        case _:
            return printable(str(value))
