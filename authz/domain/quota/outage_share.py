"""What stands in for the ledger while it is away: this process's share of each limit.

It goes on from what the ledger last said, so an outage is no fresh start; and what it grants is
owed to the ledger, so neither is the outage's end. The share is reckoned in the account's own
terms, as if every process charged what this one does: limits and waits are told as always.
"""

from dataclasses import dataclass, replace

from authz.domain.quota.allowance import Allowance
from authz.domain.quota.amounts import NOTHING, Amounts, Dimension
from authz.domain.quota.bucket import MINUTE, Bucket
from authz.domain.quota.holder import View
from authz.domain.quota.outcome import Limited, Standings
from authz.domain.quota.owing import Debt
from authz.domain.quota.quota import Limits, Quota


@dataclass(frozen=True, slots=True)
class Undecidable:
    """There is room, as far as is known, but not in this process's share of it."""


@dataclass(frozen=True, slots=True)
class OutageShare:
    """One of so many `processes`.

    `view` holds what is taken with all that was granted here, as often as there are processes;
    `untouched` without it. `month` is spent by what was granted here once.
    """

    processes: int
    view: View
    untouched: View
    month: Allowance
    granted: Amounts = NOTHING

    def charge(
        self, cost: Amounts, limits: Limits, now: int
    ) -> tuple["OutageShare", Limited | Undecidable | None]:
        """Charge every dimension or none; the holder's clock says `now`.

        A request beyond the share of a minute is granted where nothing is taken, and waits are the
        longer after it: the rate is the share's all the same, and no account is locked out.
        """
        quota, there = self._at(limits, now)
        shared = cost.times(self.processes, 1)
        burst = Amounts(limits.requests_per_minute, limits.tokens_per_minute)
        limited = quota.judge(shared.at_most(burst).at_least(cost), there)
        month = self.month.enter(there).resize(limits.tokens_per_month)
        if limited is None:
            return self._grant(cost, View(quota.spend(shared), now), month), None
        if limited.dimension is Dimension.MONTH and month.judge(cost.tokens, there) is None:
            return self, Undecidable()
        return self, _in_terms_of(cost, limited)

    def standing(self, limits: Limits, now: int) -> Standings:
        """Return what headers say."""
        quota, there = self._at(limits, now)
        return Standings(quota.requests.standing(there), quota.tokens.standing(there))

    def month_left(self, limits: Limits, now: int) -> int:
        """Return how many of the month's tokens are left."""
        return self.month.resize(limits.tokens_per_month).left(self.view.at(now)[1])

    def owe(self, now: int) -> tuple["OutageShare", Debt]:
        """Return what was granted and not told of yet, and the share as if it now were."""
        (quota, _), (untouched, _) = self.view.at(now), self.untouched.at(now)
        unrefilled = Amounts(
            self._part_of(quota.requests.taken - untouched.requests.taken),
            self._part_of(quota.tokens.taken - untouched.tokens.taken),
        )
        debt = Debt(self.granted, self.granted.beyond(unrefilled))
        return replace(self, granted=NOTHING), debt

    def _grant(self, cost: Amounts, view: View, month: Allowance) -> "OutageShare":
        month, granted = month.spend(cost.tokens), self.granted + cost
        return replace(self, view=view, month=month, granted=granted)

    def _at(self, limits: Limits, now: int) -> tuple[Quota, int]:
        quota, there = self.view.at(now)
        return quota.at(there, limits), there

    def _part_of(self, grains: int) -> int:
        """Return this process's own part in whole units, and rather more than less.

        It is never less than nothing, where a limit was raised meanwhile.
        """
        return max(0, -(-grains // (self.processes * MINUTE)))


def begin_share(view: View, processes: int) -> OutageShare:
    """Go on from a view; what was leased by then, by whomever, counts as spent."""
    quota = view.quota
    month = replace(quota.month, spent=quota.month.spent + quota.month.reserved, reserved=0)
    quota = Quota(_all_spent(quota.requests), _all_spent(quota.tokens), month)
    taken = View(quota, view.heard_at)
    return OutageShare(processes, taken, taken, month)


def _all_spent(bucket: Bucket) -> Bucket:
    return Bucket(bucket.limit, bucket.taken, at=bucket.at)


def _in_terms_of(cost: Amounts, limited: Limited) -> Limited:
    """Say it of the one request: what it lacks is used by the other processes."""
    requested = cost.requests if limited.dimension is Dimension.REQUESTS else cost.tokens
    used = (
        limited.used if limited.wait is None else max(limited.used, limited.limit - requested + 1)
    )
    return Limited(limited.dimension, limited.limit, used, requested, limited.wait)
