"""Questions, verdicts and decisions to be kept."""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from authz.domain.decision import Asked, Decision, Place, Ruling, Told
from authz.domain.directory import AccountId, Endpoint, KeyId
from authz.domain.evidence import Evidence, Source, Whose
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.outcome import Limited
from authz.domain.verdict import Allowed, Denied, Reason
from authz.service.check import Question
from contract import errors
from tests.authz.doubles import NOW

ACCOUNT: Final = AccountId(UUID(int=1))
OTHER_ACCOUNT: Final = AccountId(UUID(int=2))
KEY: Final = KeyId(UUID(int=3))

LIMITED: Final = Limited(Dimension.TOKENS, 1_000_000, 976_163, 70_716, 2_812_000)
EVIDENCE: Final = Evidence(
    cost=Amounts(1, 70_716),
    limited=LIMITED,
    budget=Whose.ACCOUNT,
    source=Source.LEDGER,
    left=Amounts(40, 20),
    lease_ends_in=3_250_000,
)
ERROR: Final = replace(
    errors.overloaded(timedelta(seconds=2.812)), status=429, code="rate_limit_exceeded"
)
REFUSED: Final = Denied(
    Reason.TOO_MANY_TOKENS, ERROR, evidence=EVIDENCE, account_id=ACCOUNT, key_id=KEY
)
STRANGER: Final = Denied(Reason.UNKNOWN_KEY, errors.incorrect_api_key("sk-tess****…9pK0"))
ALLOWED: Final = Allowed(
    ACCOUNT, KEY, 5, evidence=replace(EVIDENCE, cost=Amounts(1, 5), limited=None)
)
SHADOWED: Final = replace(ALLOWED, evidence=replace(EVIDENCE, shadow=True))


def request_id(number: int = 0) -> str:
    """Return an id whose digits are this number's: the lower, the sooner it is in a sample."""
    return f"req_{number:032x}"


def question(request_id: str = request_id(), *, retry_count: int = 0) -> Question:
    """Ask for embeddings."""
    return Question(
        method="POST",
        path="/v1/embeddings",
        authorization="Bearer sk-tessera-secret",
        client_address="192.0.2.1",
        body=b"private",
        request_id=request_id,
        retry_count=retry_count,
    )


def decision(number: int = 0, **changes: object) -> Decision:
    """Return a refusal of `ACCOUNT`'s, each number's a second after the one before."""
    made = Decision(
        asked=Asked(request_id(number), Endpoint.EMBEDDINGS, 2),
        place=Place(NOW + timedelta(seconds=number), "authz-1", 42, timedelta(seconds=0.4)),
        ruling=Ruling.REFUSED,
        reason="too_many_tokens",
        told=Told(429, "rate_limit_exceeded", timedelta(seconds=2.812)),
        account_id=ACCOUNT,
        key_id=KEY,
        evidence=EVIDENCE,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # a decision's fields
