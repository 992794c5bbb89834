"""What the headers tell: of each dimension the budget in which less is left."""

from collections.abc import Sequence

from authz.domain import directory
from authz.domain.quota.outcome import Standing, Standings
from authz.service.quota.budget import Budget, limits_of


def standing_of(budgets: Sequence[Budget], holder: directory.Holder, now: int) -> Standings:
    """Return how the holder stands; before anything was heard of a budget, nothing is used."""
    if len(budgets) == 1:
        return _standing(budgets[0], holder, now)
    standings = [_standing(budget, holder, now) for budget in budgets]
    return Standings(
        min((each.requests for each in standings), key=_remaining),
        min((each.tokens for each in standings), key=_remaining),
    )


def month_left_of(account: Budget, holder: directory.Holder, now: int) -> int:
    """Return how many of the month's tokens are left to an account, as far as is known here."""
    limits = limits_of(account.whose, holder)
    if account.share is not None:
        return account.share.month_left(limits, now)
    left = account.holder.month_left(now)
    return limits.tokens_per_month if left is None else left


def _standing(budget: Budget, holder: directory.Holder, now: int) -> Standings:
    if budget.share is not None:
        return budget.share.standing(limits_of(budget.whose, holder), now)
    standing = budget.holder.standing(now)
    if standing is not None:
        return standing
    limits = limits_of(budget.whose, holder)
    requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
    return Standings(Standing(requests, requests, 0), Standing(tokens, tokens, 0))


def _remaining(standing: Standing) -> int:
    return standing.remaining
