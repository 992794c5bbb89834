"""What stands in for the database while it is away: this process's share of each limit."""

from collections.abc import Callable

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId


class LocalShare:
    """A bucket per account in this process, holding `1 / processes` of the limit.

    It goes on from what the database last said was used, so an outage is no fresh start; and what
    it granted is owed to the database, so neither is the outage's end. A limit below the number of
    processes still grants each of them one.
    """

    def __init__(self, processes: int, clock: Callable[[], float]) -> None:
        self._processes = processes
        self._clock = clock
        self._known: dict[AccountId, Bucket] = {}
        self._shares: dict[AccountId, Bucket] = {}

    def remember(self, account_id: AccountId, bucket: Bucket) -> None:
        """Keep what the database last said of an account, now that it knows what was owed."""
        self._known[account_id] = bucket
        self._shares.pop(account_id, None)

    def owed(self, account_id: AccountId, limit: int) -> float:
        """Return how many requests were granted here that the database would not see refilled."""
        share = self._shares.get(account_id)
        if share is None:
            return 0.0
        now = self._clock()
        return max(0.0, share.refill(now).used - self._untouched(account_id, limit, now).used)

    def peek(self, account_id: AccountId, limit: int) -> Bucket:
        """Return the last known state, refilled to now; never asks the database."""
        now = self._clock()
        share = self._shares.get(account_id)
        if share is not None:
            return Bucket(limit, share.refill(now).used * self._processes, now)
        return self._known.get(account_id, Bucket(limit, 0.0, now)).resize(limit).refill(now)

    def take(self, account_id: AccountId, limit: int) -> tuple[int, Bucket]:
        """Charge one request to this process's share; return 1 or 0, and the share after."""
        now = self._clock()
        untouched = self._untouched(account_id, limit, now)
        share = self._shares.get(account_id, untouched).resize(untouched.limit)
        granted, self._shares[account_id] = share.take(1, now)
        return granted, self._shares[account_id]

    def _untouched(self, account_id: AccountId, limit: int, now: float) -> Bucket:
        """Return the share as it would be had nothing been granted here."""
        known = self._known.get(account_id, Bucket(limit, 0.0, now))
        share = Bucket(max(1, limit // self._processes), known.used / self._processes, known.at)
        return share.refill(now)
