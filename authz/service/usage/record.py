"""Writes down what is charged, before anybody is told that the request may pass."""

from dataclasses import dataclass

from authz.domain.directory import AccountId, KeyId
from authz.domain.quota.amounts import Amounts
from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.charge import MINUTE, User
from authz.service.quota.decision import Ticket
from authz.service.usage.metrics import UsageMetrics
from authz.service.usage.ports import Journal
from authz.service.usage.recent import Recent


@dataclass(frozen=True, slots=True)
class Paid:
    """What a charge was paid with."""

    account_id: AccountId
    key_id: KeyId
    ticket: Ticket


class UsageRecorder:
    """Records each request that is charged.

    `paid` keeps what can still be given back to a lease. Of the requests in `given_up` Envoy has
    said that it waits for no answer.
    """

    def __init__(
        self,
        journal: Journal,
        model: str,
        paid: Recent[int, Paid],
        given_up: Recent[str, str],
        metrics: UsageMetrics,
    ) -> None:
        self._journal = journal
        self._model = model
        self._paid = paid
        self._given_up = given_up
        self._metrics = metrics

    def record(
        self,
        request_id: str,
        account_id: AccountId,
        key_id: KeyId,
        cost: Amounts,
        ticket: Ticket,
    ) -> int:
        """Write one request down; return the minute, counted since 1970, that it is charged to.

        It is written down when this returns, so that `kill -9` loses nothing.

        Raises:
            UsageUnavailableError: the request must not pass, and its charge is to be given back.
        """
        # Its failure was reported before it was charged, and will not be again.
        if self._given_up.get(request_id) is not None:
            raise UsageUnavailableError
        user = User(account_id, key_id, self._model)
        is_leased = ticket.account is not None
        try:
            charge = self._journal.write(request_id, user, cost.tokens, is_leased=is_leased)
        except UsageUnavailableError:
            self._metrics.failures.inc()
            raise
        if is_leased:
            self._paid.put(charge.number, Paid(account_id, key_id, ticket))
        return charge.at // MINUTE
