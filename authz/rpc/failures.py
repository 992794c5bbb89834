"""What a client is told when nothing could be decided: always 503, never a word about its key."""

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

import grpc
import structlog
from prometheus_client import Counter

from authz.domain.undecided import (
    ChargesBusyError,
    DirectoryStaleError,
    LedgerSlowError,
    QuotaUnavailableError,
    TokenisersBusyError,
    UndecidedError,
    UsageUnavailableError,
)
from authz.rpc.check_request import to_question
from authz.rpc.check_response import deny
from authz.service.decisions.record import DecisionRecorder
from contract import errors
from contract.errors import ApiError
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest

ANSWERS: Final[Mapping[type[UndecidedError], Callable[[timedelta], ApiError]]] = {
    DirectoryStaleError: errors.unavailable,
    QuotaUnavailableError: errors.unavailable,
    TokenisersBusyError: errors.overloaded,
    ChargesBusyError: errors.overloaded,
    LedgerSlowError: errors.overloaded,
    UsageUnavailableError: errors.unavailable,
}
"""The one table of errors; every kind of `UndecidedError` is in it."""

CheckContext: TypeAlias = "grpc.aio.ServicerContext[CheckRequest, bytes]"
Check = Callable[[CheckRequest, CheckContext], Awaitable[bytes]]

_log = structlog.get_logger()


def answer_failures(check: Check, failures: Counter, decisions: DecisionRecorder) -> Check:
    """Return `check` with every exception answered by the table, and noted among the decisions."""

    async def answered(request: CheckRequest, context: CheckContext) -> bytes:
        try:
            return await check(request, context)
        except UndecidedError as undecided:
            failures.inc()
            error = _to_error(undecided)
            decisions.note_undecided(to_question(request), undecided, error)
            return deny(error)
        except Exception:  # noqa: BLE001 the last place where it can be logged
            failures.inc()
            _log.exception("check.failed")
            # Envoy makes a 503 of it; what happened stays here.
            await context.abort(grpc.StatusCode.INTERNAL)

    return answered


def _to_error(undecided: UndecidedError) -> ApiError:
    """Pick the answer, with a wait that spreads the clients' retries over two seconds."""
    return ANSWERS[type(undecided)](timedelta(seconds=random.uniform(1, 3)))  # noqa: S311 no secret
