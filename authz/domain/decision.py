"""A decision as it is kept, for whoever asks later why a request was refused.

Nothing in it is secret, and nothing is of the input.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from authz.domain.directory import AccountId, Endpoint, KeyId
from authz.domain.evidence import Evidence
from authz.domain.quota.amounts import Dimension
from authz.domain.quota.outcome import Limited
from authz.domain.undecided import UndecidedError
from authz.domain.verdict import Allowed, Denied, Reason, Verdict
from contract.errors import ApiError

_OK: Final = 200
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Ruling(StrEnum):
    """What became of a request; `shadow`: allowed, and refused but for a tier that only watches."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it is remembered; `retry_count` is what an SDK tells of itself."""

    request_id: str
    endpoint: Endpoint | None
    retry_count: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when it was decided, and on what state of the directory.

    `directory_age` is since the database confirmed that state; there is none where it never did.
    """

    at: datetime
    process: str
    directory_number: int | None
    directory_age: timedelta | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the client was told: a status, an error's code, when to try again."""

    status: int
    code: str | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. `reason` is why it was refused, or would have been; a `Reason` or an undecided.

    The ids are there where the key was accepted, `evidence` where the request was to be charged.
    """

    asked: Asked
    place: Place
    ruling: Ruling
    reason: str | None
    told: Told
    account_id: AccountId | None
    key_id: KeyId | None
    evidence: Evidence | None


def is_notable(verdict: Verdict) -> bool:
    """Tell whether a verdict is one that somebody may ask about: all but a plain `Allowed`."""
    match verdict:
        case Allowed():
            return verdict.evidence is not None and verdict.evidence.limited is not None
        case Denied():
            return True
        case _:
            assert_never(verdict)


def record_verdict(asked: Asked, place: Place, verdict: Verdict) -> Decision:
    """Return what is to be kept of a verdict."""
    match verdict:
        case Allowed():
            ruling, reason, told = Ruling.ALLOWED, None, Told(_OK)
            if verdict.evidence is not None and verdict.evidence.limited is not None:
                ruling, reason = Ruling.SHADOW, name_limit(verdict.evidence.limited).value
        case Denied():
            ruling, reason, told = Ruling.REFUSED, verdict.reason.value, _tell(verdict.error)
        case _:
            assert_never(verdict)
    return Decision(
        asked, place, ruling, reason, told, verdict.account_id, verdict.key_id, verdict.evidence
    )


def record_undecided(
    asked: Asked, place: Place, undecided: UndecidedError, error: ApiError
) -> Decision:
    """Return what is to be kept of a request about which nothing could be decided."""
    reason = name_undecided(type(undecided))
    account_id, key_id = undecided.account_id, undecided.key_id
    return Decision(asked, place, Ruling.REFUSED, reason, _tell(error), account_id, key_id, None)


def name_undecided(kind: type[UndecidedError]) -> str:
    """Return `quota_unavailable` of `QuotaUnavailableError`."""
    return _WORDS.sub("_", kind.__name__.removesuffix("Error")).lower()


def name_limit(limited: Limited) -> Reason:
    """Return why a limit refuses."""
    if limited.wait is None and limited.dimension is not Dimension.MONTH:
        return Reason.REQUEST_TOO_LARGE
    match limited.dimension:
        case Dimension.REQUESTS:
            return Reason.TOO_MANY_REQUESTS
        case Dimension.TOKENS:
            return Reason.TOO_MANY_TOKENS
        case Dimension.MONTH:
            return Reason.MONTH_SPENT
        case _:
            assert_never(limited.dimension)


def _tell(error: ApiError) -> Told:
    return Told(error.status, error.code, error.retry_after)
