"""How many decisions of one account are kept in one second, so that none crowds out the others."""

from collections.abc import Callable
from dataclasses import dataclass

from authz.domain.directory import AccountId


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept at most: `waiting_max` decisions that are not written yet, for an outage.

    In a second, `each_max` of one account and `strangers_max` of all requests without one. Random
    keys belong to no account, so whoever tries them shares one small part.
    """

    each_max: int
    strangers_max: int
    waiting_max: int


class Allotment:
    """Counts by the second; `clock` never jumps."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float]) -> None:
        self._bounds = bounds
        self._clock = clock
        self._second = 0
        self._taken: dict[AccountId | None, int] = {}

    def take(self, account_id: AccountId | None) -> bool:
        """Tell whether there is room for one more of this account, and take it."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, {}
        taken = self._taken.get(account_id, 0)
        if taken >= self._maximum(account_id):
            return False
        self._taken[account_id] = taken + 1
        return True

    def _maximum(self, account_id: AccountId | None) -> int:
        return self._bounds.strangers_max if account_id is None else self._bounds.each_max
