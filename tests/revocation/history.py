"""What a check may answer, told from when changes began and when they were acknowledged.

A check takes time and so does a change, so a check that overlaps a change may see the world before
or after it. One that began after every process had acknowledged the change may not.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Final

_OK: Final = 200
_UNAUTHENTICATED: Final = 401
_SUSPENDED: Final = 403


@dataclass(slots=True)
class AccountHistory:
    """Suspended or not, by time: each state from when it could first, and could last, be seen."""

    changes: list[tuple[float, float, bool]] = field(default_factory=lambda: [(-inf, -inf, False)])

    def change(self, began: float, acknowledged: float, *, suspended: bool) -> None:
        """Note a change; an account's changes never overlap."""
        self.changes.append((began, acknowledged, suspended))

    def states(self, start: float, end: float) -> set[bool]:
        """Return whether the account can look suspended, or not, to a check from start to end."""
        seen = set()
        for index, (began, _, suspended) in enumerate(self.changes):
            over = self.changes[index + 1][1] if index + 1 < len(self.changes) else inf
            if began <= end and start <= over:
                seen.add(suspended)
        return seen


@dataclass(slots=True)
class KeyHistory:
    """A key's life. It is only checked once every process knows it."""

    id: str
    text: str = field(repr=False)
    account: AccountHistory
    may_end_from: float = inf
    """The first moment at which something that ends it was begun, or it could expire."""
    ended_from: float = inf
    """From when every process is known to refuse it."""

    def end(self, began: float, known: float) -> None:
        """Note that something ended it."""
        self.may_end_from = min(self.may_end_from, began)
        self.ended_from = min(self.ended_from, known)

    def may_answer(self, start: float, end: float) -> set[int]:
        """Return the statuses that a check from start to end can have."""
        can_be_alive = start < self.ended_from
        can_be_dead = end >= self.may_end_from
        answers = {_UNAUTHENTICATED} if can_be_dead else set()
        if can_be_alive:
            states = self.account.states(start, end)
            answers |= {_SUSPENDED if suspended else _OK for suspended in states}
        return answers
