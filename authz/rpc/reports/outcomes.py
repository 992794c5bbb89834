"""The one table from what can happen to what the caller is told."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from authz.domain.undecided import DatabaseError
from authz.rpc.reports.metrics import ReportMetrics
from authz.service.reports.places import ReportsBusyError
from contract import errors
from contract.errors import ApiError
from contract.headers import REQUEST_ID

Handler = Callable[[Request], Awaitable[Response]]

_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger()


class Outcomes:
    """Turns whatever a handler raises into an answer; `jitter` returns a factor around 1."""

    def __init__(self, metrics: ReportMetrics, jitter: Callable[[], float]) -> None:
        self._metrics = metrics
        self._jitter = jitter

    def answering(self, handler: Handler) -> Handler:
        """Wrap a handler so that it always answers, and is counted."""

        async def answer(request: Request) -> Response:
            started = time.perf_counter()
            with structlog.contextvars.bound_contextvars(
                request_id=request.headers.get(REQUEST_ID)
            ):
                try:
                    response = await handler(request)
                except Exception as error:  # noqa: BLE001 - the last resort, which logs it
                    response = to_response(self._explain(error))
            self._metrics.count_report(response.status_code, time.perf_counter() - started)
            return response

        return answer

    def _explain(self, error: Exception) -> ApiError:
        match error:
            case DatabaseError():
                _log.warning("report.failed", failure=str(error))
                return errors.unavailable(self._retry_soon())
            case ReportsBusyError():
                return errors.overloaded(self._retry_soon())
            case _:
                _log.error("report.failed", exc_info=error)
                return errors.internal()

    def _retry_soon(self) -> timedelta:
        return timedelta(seconds=_RETRY_SECONDS * self._jitter())


async def explain_http(_: Request, error: Exception) -> Response:
    """Answer a path or a method that is not served."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = dict(error.headers or {})
        return to_response(errors.method_not_allowed(allowed.get("Allow", "")), allowed)
    return to_response(errors.unknown_url())


def to_response(error: ApiError, headers: dict[str, str] | None = None) -> Response:
    """Write an error as OpenAI's clients read it."""
    return Response(error.body(), error.status, error.headers() | (headers or {}))
