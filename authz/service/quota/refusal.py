"""What a client is told whom a limit refused."""

from datetime import timedelta

from authz.domain.directory import Holder
from authz.domain.evidence import Whose
from authz.domain.quota.amounts import Dimension
from authz.domain.quota.outcome import Limited
from authz.domain.verdict import Denied, Reason
from authz.service.quota.decision import Refused
from contract import errors
from contract.errors import ApiError, Rate


def deny(refused: Refused, model: str, holder: Holder) -> Denied:
    """Return the 429, with the exact wait where waiting helps."""
    limited = refused.limited
    rate = Rate(
        model,
        holder.account.name,
        limited.limit,
        limited.used,
        limited.requested,
        is_of_key=refused.evidence.budget is Whose.KEY,
    )
    reason, error = _explain(limited, rate)
    return Denied(reason, error, refused.standing, evidence=refused.evidence)


def _explain(limited: Limited, rate: Rate) -> tuple[Reason, ApiError]:
    if limited.dimension is Dimension.MONTH:
        return Reason.MONTH_SPENT, errors.quota_exceeded()
    if limited.wait is None:
        return Reason.REQUEST_TOO_LARGE, errors.request_too_large(rate)
    wait = timedelta(microseconds=limited.wait)
    if limited.dimension is Dimension.REQUESTS:
        return Reason.TOO_MANY_REQUESTS, errors.request_rate_exceeded(rate, wait)
    return Reason.TOO_MANY_TOKENS, errors.token_rate_exceeded(rate, wait)
