"""The one table from what can happen to what the client is told."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, assert_never

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from contract import errors
from contract.errors import ApiError
from inference.adapter.embedder import EmbedderError, FailureKind
from inference.adapter.metrics import AdapterMetrics
from inference.adapter.threads import ThreadsBusyError

Handler = Callable[[Request], Awaitable[Response]]

_log = structlog.get_logger()

CLIENT_LEFT: Final = 499
"""A status for our metrics; nobody is there to read it."""

_RETRY_SECONDS: Final = 0.5


class Outcomes:
    """Turns whatever a handler raises into an answer in OpenAI's form."""

    def __init__(self, metrics: AdapterMetrics, jitter: Callable[[], float]) -> None:
        """`jitter` returns a random number in [0, 1)."""
        self._metrics = metrics
        self._jitter = jitter

    def answering(self, handler: Handler) -> Handler:
        """Wrap a handler so that it always answers, while there is somebody to answer."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException:
                raise
            except ClientDisconnect:
                return Response(status_code=CLIENT_LEFT)
            except Exception as error:  # noqa: BLE001 - the last resort, which logs it
                return to_response(self._explain(error))

        return answer

    def _explain(self, error: Exception) -> ApiError:
        match error:
            case EmbedderError():
                return self._explain_failure(error)
            case ThreadsBusyError():
                return errors.overloaded(self._retry_soon())
            case TimeoutError():
                return errors.upstream_timeout()
            case _:
                _log.error("request.failed", exc_info=error)
                return errors.internal()

    def _explain_failure(self, failure: EmbedderError) -> ApiError:
        self._metrics.count_failure(failure.kind)
        match failure.kind:
            case FailureKind.UNAVAILABLE:
                return errors.unavailable(self._retry_soon())
            case FailureKind.TIMED_OUT:
                return errors.upstream_timeout()
            case FailureKind.FAULTY:
                _log.error("embedding.failed", detail=failure.detail)
                return errors.internal()
            case _:
                assert_never(failure.kind)

    def _retry_soon(self) -> timedelta:
        return timedelta(seconds=_RETRY_SECONDS * (1 + self._jitter()))


async def explain_http(_: Request, error: Exception) -> Response:
    """Answer a path or a method that is not served."""
    match error:
        case HTTPException(status_code=405, headers=headers):
            allowed = dict(headers or {})
            return to_response(errors.method_not_allowed(allowed.get("Allow", "")), allowed)
        case _:
            return to_response(errors.unknown_url())


def to_response(error: ApiError, headers: dict[str, str] | None = None) -> Response:
    """Write an error as OpenAI's clients read it."""
    return Response(error.body(), error.status, error.headers() | (headers or {}))
