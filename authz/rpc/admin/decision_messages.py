"""Decisions on the wire."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from authz.domain.decision import Decision, Ruling
from authz.domain.evidence import Evidence
from authz.rpc.admin.times import to_timestamp
from authz.service.admin.usage import Names
from proto.tessera.admin.v1 import decisions_pb2
from proto.tessera.admin.v1.decisions_pb2 import DecisionLease, DecisionLimit

RULINGS: Final[Mapping[int, Ruling]] = {
    decisions_pb2.DECISION_VERDICT_ALLOWED: Ruling.ALLOWED,
    decisions_pb2.DECISION_VERDICT_REFUSED: Ruling.REFUSED,
    decisions_pb2.DECISION_VERDICT_SHADOW: Ruling.SHADOW,
}


def to_decision(decision: Decision, names: Names) -> decisions_pb2.Decision:
    """Write a decision; a name is empty where what it names is gone."""
    asked, place, told = decision.asked, decision.place, decision.told
    account_id, key_id, evidence = decision.account_id, decision.key_id, decision.evidence
    return decisions_pb2.Decision(
        request_id=asked.request_id,
        time=to_timestamp(place.at),
        verdict=f"DECISION_VERDICT_{decision.ruling.name}",
        reason=decision.reason or "",
        status=told.status,
        code=told.code or "",
        retry_after_seconds=_seconds(told.retry_after),
        endpoint=asked.endpoint or "",
        retry_count=asked.retry_count,
        account_id="" if account_id is None else str(account_id),
        account_name="" if account_id is None else names.accounts.get(account_id, ""),
        key_id="" if key_id is None else str(key_id),
        key_name="" if key_id is None else names.keys.get(key_id, ""),
        tokens=None if evidence is None else evidence.cost.tokens,
        limit=_to_limit(evidence),
        lease=_to_lease(evidence),
        source="" if evidence is None else evidence.source.value,
        process=place.process,
        directory_number=place.directory_number,
        directory_age_seconds=_seconds(place.directory_age),
    )


def _to_limit(evidence: Evidence | None) -> DecisionLimit | None:
    if evidence is None or evidence.limited is None:
        return None
    limited = evidence.limited
    return DecisionLimit(
        budget=evidence.budget.value,
        dimension=limited.dimension.value,
        limit=limited.limit,
        used=limited.used,
        requested=limited.requested,
        wait_seconds=_microseconds(limited.wait),
    )


def _to_lease(evidence: Evidence | None) -> DecisionLease | None:
    if evidence is None or evidence.left is None:
        return None
    return DecisionLease(
        requests_left=evidence.left.requests,
        tokens_left=evidence.left.tokens,
        ends_in_seconds=_microseconds(evidence.lease_ends_in),
    )


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _microseconds(count: int | None) -> float | None:
    return None if count is None else count / 1e6
