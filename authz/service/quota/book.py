"""The budgets that this process has to do with."""

from collections.abc import Iterator
from uuid import UUID

from authz.domain import directory
from authz.domain.evidence import Whose
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import BudgetId, HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.service.quota.budget import Budget


class BudgetBook:
    """Opens budgets when they are first charged, and drops those of which nothing is left to tell.

    All of them hold leases in the name of `holder_id`.
    """

    def __init__(self, holder_id: HolderId, rules: LeaseRules) -> None:
        self._holder_id = holder_id
        self._rules = rules
        self._budgets: dict[UUID, Budget] = {}
        self._serial = 0

    def __iter__(self) -> Iterator[Budget]:
        """Return all that are open."""
        return iter(self._budgets.values())

    def open(self, holder: directory.Holder) -> tuple[Budget, ...]:
        """Return the account's budget, then the key's where that has limits of its own."""
        account = self._open(Whose.ACCOUNT, holder.account.id)
        key = holder.key
        if key.requests_per_minute is None and key.tokens_per_minute is None:
            return (account,)
        return (account, self._open(Whose.KEY, key.id))

    def find(self, budget_id: UUID) -> Budget | None:
        """Return a budget that is open."""
        return self._budgets.get(budget_id)

    def drop(self, budget: Budget) -> None:
        """Forget a budget that holds nothing; again, where an answer came late."""
        # Numbers of leases are used once, also by the budget that follows.
        self._serial = max(self._serial, budget.holder.serial)
        if self._budgets.get(budget.id) is budget:
            del self._budgets[budget.id]

    def _open(self, whose: Whose, budget_id: UUID) -> Budget:
        budget = self._budgets.get(budget_id)
        if budget is None:
            holder = Holder(self._holder_id, self._rules, serial=self._serial)
            budget = Budget(BudgetId(budget_id), whose, holder)
            self._budgets[budget_id] = budget
        return budget
