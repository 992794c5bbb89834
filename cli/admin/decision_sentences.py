"""A decision in plain sentences."""

from collections.abc import Iterator
from math import ceil
from typing import Final

from cli.admin.reasons import EXPLANATIONS, UNKNOWN, Explanation
from cli.admin.times import show_second
from proto.tessera.admin.v1 import decisions_pb2
from proto.tessera.admin.v1.decisions_pb2 import Decision, DecisionLimit

_UNITS: Final = {
    "requests": "requests per minute",
    "tokens": "tokens per minute",
    "month": "tokens of the month",
}
_SOURCES: Final = {
    "lease": "a lease that the process held",
    "ledger": "the ledger in PostgreSQL",
    "outage": "what the process knew itself, for PostgreSQL was away",
}

_DAY: Final = 86_400


def tell(decision: Decision) -> Iterator[str]:
    """Yield what was decided, why, what the client was told, what to do, and on what grounds."""
    yield _tell_verdict(decision)
    if decision.reason:
        explanation = EXPLANATIONS.get(decision.reason, UNKNOWN)
        yield f"Why: {_fill(explanation.why, decision)}{_tell_limit(decision)}."
    yield f"The client was told: {_tell_answer(decision)}."
    if decision.reason:
        yield f"What to do: {_fill(_advise(decision, explanation), decision)}"
    yield _tell_grounds(decision)


def _tell_verdict(decision: Decision) -> str:
    if decision.verdict == decisions_pb2.DECISION_VERDICT_SHADOW:
        became = "was let pass, but its limits would have refused it: its tier only watches"
    elif decision.verdict == decisions_pb2.DECISION_VERDICT_ALLOWED:
        became = "was allowed"
    else:
        became = "was refused"
    when = show_second(decision.time)
    attempt = f"; its client had tried {decision.retry_count} times before"
    tried = attempt if decision.retry_count else ""
    return f"{decision.request_id} {became}, by {decision.process} at {when} UTC{tried}."


def _tell_limit(decision: Decision) -> str:
    if not decision.HasField("limit"):
        return ""
    limit = decision.limit
    numbers = f"limit {limit.limit:,}, used {limit.used:,}, requested {limit.requested:,}"
    return f" ({numbers} {_UNITS.get(limit.dimension, limit.dimension)}{_tell_wait(limit)})"


def _tell_wait(limit: DecisionLimit) -> str:
    if not limit.HasField("wait_seconds"):
        return ""
    return f"; it would have fitted {_seconds(limit.wait_seconds)} later"


def _tell_answer(decision: Decision) -> str:
    told = [f"status {decision.status}"]
    if decision.code:
        told.append(f"code {decision.code}")
    if decision.HasField("retry_after_seconds"):
        told.append(f"to try again in {_seconds(decision.retry_after_seconds)}")
    return ", ".join(told)


def _advise(decision: Decision, explanation: Explanation) -> str:
    if decision.HasField("limit") and decision.limit.budget == "key":
        option = f"--{decision.limit.dimension}-per-minute N"
        return f"It is the key's own limit: `tessera keys update {{key}} {option}` changes it."
    return explanation.advice


def _tell_grounds(decision: Decision) -> str:
    said = []
    if decision.source:
        said.append(f"By {_SOURCES.get(decision.source, decision.source)}")
        said.append(_tell_lease(decision))
    if decision.HasField("directory_number"):
        said.append(
            f"accounts and keys were at change {decision.directory_number}, {_tell_age(decision)}"
        )
    else:
        said.append("the process knew no accounts and keys yet")
    grounds = "; ".join(said)
    return f"{grounds[:1].upper()}{grounds[1:]}."


def _tell_lease(decision: Decision) -> str:
    if not decision.HasField("lease"):
        return "no lease was left"
    lease = decision.lease
    left = f"{lease.requests_left:,} requests and {lease.tokens_left:,} tokens"
    ends = f" for {_seconds(lease.ends_in_seconds)}" if lease.HasField("ends_in_seconds") else ""
    return f"its lease had {left} left{ends}"


def _tell_age(decision: Decision) -> str:
    if not decision.HasField("directory_age_seconds"):
        return "which PostgreSQL had not confirmed yet"
    return f"confirmed by PostgreSQL {_seconds(decision.directory_age_seconds)} before"


def _fill(text: str, decision: Decision) -> str:
    account = decision.account_name or decision.account_id or "ACCOUNT"
    is_key = decision.HasField("limit") and decision.limit.budget == "key"
    key_name = decision.key_name or decision.key_id
    return text.format(
        account=f"'{account}'" if " " in account else account,
        account_id=decision.account_id,
        key=decision.key_id or "KEY",
        whose=f"its key {key_name}" if is_key else f"its account {account}",
        reason=decision.reason,
    )


def _seconds(seconds: float) -> str:
    if seconds >= _DAY:
        return f"{seconds / _DAY:,.1f} days"
    # Rounded up, as what the client is told.
    return f"{ceil(round(seconds * 1000, 3)) / 1000:,.3f}".rstrip("0").rstrip(".") + " s"
