"""A letter as plain text."""

import textwrap
from typing import Final, assert_never

from authz.mail.letter import Block, Code, Facts, Heading, Letter, Paragraph, Points, Secret

_WIDTH: Final = 72
_INDENT: Final = "    "


def write_plain(letter: Letter) -> str:
    """Return the letter as text, wrapped except for what is copied."""
    title = _wrap(letter.subject)
    underline = "=" * max(map(len, title.splitlines()))
    parts = [f"{title}\n{underline}", *map(_write_block, letter.blocks)]
    return "\n\n".join(parts) + "\n"


def _write_block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _wrap(text)
        case Heading(text):
            return f"{text}\n{'-' * len(text)}"
        case Secret(text):
            return _INDENT + text
        case Facts(rows):
            return _write_facts(rows)
        case Code(title, lines):
            return f"{title}:\n\n{textwrap.indent(lines, _INDENT)}"
        case Points(items):
            return "\n".join(_wrap(item, "- ", "  ") for item in items)
        case _:
            assert_never(block)


def _write_facts(rows: tuple[tuple[str, str], ...]) -> str:
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(_wrap(value, f"{name}:".ljust(width), " " * width) for name, value in rows)


def _wrap(text: str, first: str = "", others: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,  # an address that is cut cannot be copied
        break_on_hyphens=False,
    )
