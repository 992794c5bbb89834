"""A calendar month of UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

_FORM: Final = re.compile(r"([2-9]\d{3})-(0[1-9]|1[0-2])", re.ASCII)
_LAST: Final = "9999"
"""The last moment of this year has no next one."""


class BadMonthError(ValueError):
    """A text is no month; the message says why, after its name."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """From its first moment in UTC to the next one's."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026-10`.

        Raises:
            BadMonthError: it is none.
        """
        match = _FORM.fullmatch(text)
        if match is None or match[1] == _LAST:
            raise BadMonthError("must be a month like 2026-10")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return the month that a moment is in."""
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.plus(1).start

    def plus(self, months: int) -> "Month":
        """Return the month that is so many later, or earlier."""
        years, index = divmod(self.number - 1 + months, 12)
        return Month(self.year + years, index + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
