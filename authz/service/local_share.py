"""What stands in for the database while it is away: this process's share of each limit."""

from collections.abc import Callable

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId


class LocalShare:
    """A bucket per account in this process, holding `1 / processes` of the limit.

    It goes on from what the database last said was used, so an outage is no fresh start. A limit
    below the number of processes still grants each of them one.
    """

    def __init__(self, processes: int, clock: Callable[[], float]) -> None:
        self._processes = processes
        self._clock = clock
        self._buckets: dict[AccountId, Bucket] = {}

    def remember(self, account_id: AccountId, bucket: Bucket) -> None:
        """Keep what the database last said of an account."""
        self._buckets[account_id] = bucket

    def peek(self, account_id: AccountId, limit: int) -> Bucket:
        """Return the last known state, refilled to now; never asks the database."""
        now = self._clock()
        return self._buckets.get(account_id, Bucket(limit, 0.0, now)).resize(limit).refill(now)

    def take(self, account_id: AccountId, limit: int) -> tuple[int, Bucket]:
        """Charge one request to this process's share; return 1 or 0, and the share after."""
        whole = self.peek(account_id, limit)
        share = Bucket(max(1, limit // self._processes), whole.used / self._processes, whole.at)
        granted, share = share.take(1, whole.at)
        self._buckets[account_id] = Bucket(limit, share.used * self._processes, whole.at)
        return granted, share
