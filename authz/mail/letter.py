"""What a mail says, before it is text or HTML: both are made from the same letter."""

import unicodedata
from dataclasses import dataclass, field
from typing import Final

_QUOTE_LENGTH_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """What is to be copied as it stands, and shown to nobody."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to type or to paste, under a title."""

    title: str
    lines: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list of things to do."""

    items: tuple[str, ...]


Block = Paragraph | Heading | Secret | Facts | Code | Points


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject, which is the title too, and what comes under it."""

    subject: str
    blocks: tuple[Block, ...]


def quote(text: str) -> str:
    """Return on one line, and not too long, what somebody else chose.

    Without control characters and those that turn the direction of writing: a name must not look
    like anything but a name.
    """
    visible = (each for each in text if each.isspace() or unicodedata.category(each)[0] != "C")
    line = " ".join("".join(visible).split())
    return line if len(line) <= _QUOTE_LENGTH_MAX else f"{line[:_QUOTE_LENGTH_MAX]}…"
