"""How long a call may take, whatever its sender allows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

WAIT_MAX: Final = timedelta(minutes=1)
"""How long a caller can have a revocation waited for."""

STREAM_SECONDS: Final = 1800.0
_UNARY_SECONDS: Final = 30.0
_LONGER: Final[Mapping[str, float]] = {
    "CreateAccount": 60.0,  # a mail server may take half of it
    "RevokeKey": _UNARY_SECONDS + WAIT_MAX.total_seconds(),
}


def limit_seconds(method: str, is_stream: bool) -> float:  # noqa: FBT001 one of two kinds
    """Return the limit of one call."""
    return STREAM_SECONDS if is_stream else _LONGER.get(method, _UNARY_SECONDS)
