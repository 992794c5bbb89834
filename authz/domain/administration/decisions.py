"""Which decisions are asked for, and where a list of them goes on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from authz.domain.decision import Decision, Ruling
from authz.domain.directory import AccountId, KeyId


@dataclass(frozen=True, slots=True)
class DecisionQuery:
    """What all of them have; an empty text and `None` leave none out. `end` is not of them."""

    account_id: AccountId | None = None
    key_id: KeyId | None = None
    reason: str = ""
    ruling: Ruling | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list, the newest first."""

    at: datetime
    request_id: str

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Return where a decision is."""
        return cls(decision.place.at, decision.asked.request_id)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `write` wrote."""
        moment, _, request_id = text.partition(" ")
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return None if at.tzinfo is None or "\0" in request_id else cls(at, request_id)

    def write(self) -> str:
        """Return it as text, for a page's token."""
        return f"{self.at.isoformat()} {self.request_id}"
