"""The answer to one check."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authz.domain.directory import AccountId, KeyId
from authz.domain.evidence import Evidence
from authz.domain.quota.outcome import Standings
from contract.errors import ApiError


class Reason(StrEnum):
    """Why a request is denied: a label for metrics and logs; the client reads the error."""

    MISSING_KEY = "missing_key"
    MALFORMED_KEY = "malformed_key"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    EXPIRED_KEY = "expired_key"
    CLOSED_ACCOUNT = "closed_account"
    SUSPENDED_ACCOUNT = "suspended_account"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    UNKNOWN_URL = "unknown_url"
    ENDPOINT_NOT_IN_SCOPE = "endpoint_not_in_scope"
    ENDPOINT_NOT_ENTITLED = "endpoint_not_entitled"
    MODEL_NOT_ENTITLED = "model_not_entitled"
    INVALID_REQUEST = "invalid_request"
    TOO_MANY_ITEMS = "too_many_items"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_TOKENS = "too_many_tokens"
    REQUEST_TOO_LARGE = "request_too_large"
    MONTH_SPENT = "month_spent"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The request may pass. `standing` and `evidence` are absent where requests are not charged.

    Its tokens were charged to the `minute`, counted since 1970, in which they are usage.
    `key_expires_at` is there where the key's end is near, `month_left` where what is left was asked
    for.
    """

    account_id: AccountId
    key_id: KeyId
    tokens: int | None = None
    standing: Standings | None = None
    key_expires_at: datetime | None = None
    evidence: Evidence | None = None
    minute: int | None = None
    month_left: int | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """The request may not pass; `error` is what the client is told.

    `standing` is there where it was to be charged, and `evidence` where limits refused it. The ids
    are there where the key was accepted, `key_expires_at` where its end is near too.
    """

    reason: Reason
    error: ApiError
    standing: Standings | None = None
    key_expires_at: datetime | None = None
    evidence: Evidence | None = None
    account_id: AccountId | None = None
    key_id: KeyId | None = None


Verdict = Allowed | Denied
