"""Ways to get leases wrong, each of which looks right as long as nothing fails."""

from dataclasses import replace

from authz.domain.quota import asking, ledger
from authz.domain.quota.bucket import MINUTE, Bucket
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Answer, Ask
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.quota import Limits


def refill_what_is_leased(
    before: Ledger, ask: Ask, limits: Limits, rules: LeaseRules, now: int
) -> tuple[Ledger, Answer]:
    """Grant against the full burst, as if all that is leased had been spent at once."""
    quota = before.quota
    requests, tokens = _refill_all(quota.requests, now), _refill_all(quota.tokens, now)
    quota = replace(quota, requests=requests, tokens=tokens)
    return ledger.answer(replace(before, quota=quota), ask, limits, rules, now)


def _refill_all(bucket: Bucket, now: int) -> Bucket:
    refilled = Bucket(bucket.limit, bucket.taken, at=bucket.at).refill(now)
    return replace(bucket, spent=refilled.spent - bucket.reserved * MINUTE, at=refilled.at)


def grant_anew_on_expiry(
    before: Ledger, ask: Ask, limits: Limits, rules: LeaseRules, now: int
) -> tuple[Ledger, Answer]:
    """Take what a silent holder did not account for as never spent."""
    quota = before.quota
    for lease in before.leases.values():
        if lease.ends_at <= now:
            quota = quota.release(lease.open)
    live = {each: lease for each, lease in before.leases.items() if lease.ends_at > now}
    return ledger.answer(Ledger(quota, live), ask, limits, rules, now)


def count_life_from_the_answer(holder: Holder, ask: Ask, answer: Answer, now: int) -> Holder:
    """Let a lease live on from when the answer came in."""
    if holder.asking is not None:
        holder = replace(holder, asking=replace(holder.asking, at=now))
    return asking.hear(holder, ask, answer, now)
