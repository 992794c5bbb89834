"""What a client is told when nothing could be decided: always 503, never a word about its key."""

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

import grpc
import structlog
from prometheus_client import Counter

from authz.domain.undecided import (
    DirectoryStaleError,
    QuotaUnavailableError,
    TokenisersBusyError,
    UndecidedError,
)
from authz.rpc.check_response import deny
from contract import errors
from contract.errors import ApiError
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest, CheckResponse

ANSWERS: Final[Mapping[type[UndecidedError], Callable[[timedelta], ApiError]]] = {
    DirectoryStaleError: errors.unavailable,
    QuotaUnavailableError: errors.unavailable,
    TokenisersBusyError: errors.overloaded,
}
"""The one table of errors; every kind of `UndecidedError` is in it."""

CheckContext: TypeAlias = "grpc.aio.ServicerContext[CheckRequest, CheckResponse]"
Check = Callable[[CheckRequest, CheckContext], Awaitable[CheckResponse]]

_log = structlog.get_logger()


def answer_failures(check: Check, failures: Counter) -> Check:
    """Return `check` with every exception answered by the table."""

    async def answered(request: CheckRequest, context: CheckContext) -> CheckResponse:
        try:
            return await check(request, context)
        except UndecidedError as undecided:
            failures.inc()
            return deny(_to_error(undecided))
        except Exception:  # noqa: BLE001 the last place where it can be logged
            failures.inc()
            _log.exception("check.failed")
            # Envoy makes a 503 of it; what happened stays here.
            await context.abort(grpc.StatusCode.INTERNAL)

    return answered


def _to_error(undecided: UndecidedError) -> ApiError:
    """Pick the answer, with a wait that spreads the clients' retries over two seconds."""
    return ANSWERS[type(undecided)](timedelta(seconds=random.uniform(1, 3)))  # noqa: S311 no secret
