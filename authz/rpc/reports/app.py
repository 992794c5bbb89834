"""The HTTP endpoints: unpack, call, pack."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authz.domain.administration.refusals import FieldViolation
from authz.domain.directory import AccountId
from authz.domain.undecided import DatabaseError
from authz.rpc.reports.answers import write_page
from authz.rpc.reports.metrics import ReportMetrics
from authz.rpc.reports.outcomes import Outcomes, explain_http, to_response
from authz.rpc.reports.question import read_question
from authz.service.reports.usage_pages import UsagePages
from contract import errors
from contract.errors import ApiError
from contract.headers import ACCOUNT
from runtime.metrics import metrics_route

_JSON: Final = "application/json"

_log = structlog.get_logger()


def build_app(
    pages: UsagePages,
    ping: Callable[[], Awaitable[None]],
    metrics: ReportMetrics,
    jitter: Callable[[], float],
) -> ASGIApp:
    """Wire the application; `ping` raises `DatabaseError` where there is nothing to read from."""
    endpoints = Endpoints(pages, ping)
    usage = Outcomes(metrics, jitter).answering(endpoints.report_usage)
    app = Starlette(
        routes=[
            Route("/v1/organization/usage/embeddings", usage, methods=["GET"]),
            Route("/healthz", endpoints.check_health, methods=["GET"]),
            Route("/readyz", endpoints.check_readiness, methods=["GET"]),
            Route("/metrics", metrics_route(metrics.registry), methods=["GET"]),
        ],
        exception_handlers={HTTPException: explain_http},
    )
    app.router.redirect_slashes = False  # an unknown path is a 404 here, as it is at the edge
    return app


@dataclass(frozen=True, slots=True)
class Endpoints:
    """An account's own usage, and the two that say how the process is."""

    pages: UsagePages
    ping: Callable[[], Awaitable[None]]

    async def report_usage(self, request: Request) -> Response:
        """`GET /v1/organization/usage/embeddings`."""
        account_id = _read_account(request)
        if isinstance(account_id, ApiError):
            return to_response(account_id)
        question = read_question(account_id, request.query_params)
        if isinstance(question, ApiError):
            return to_response(question)
        page = await self.pages.read(question)
        if isinstance(page, FieldViolation):
            return to_response(errors.invalid_parameter(page.field, f"It {page.description}"))
        return Response(write_page(page), media_type=_JSON)

    async def check_health(self, _: Request) -> Response:
        """`GET /healthz`: the process runs."""
        return PlainTextResponse("ok")

    async def check_readiness(self, _: Request) -> Response:
        """`GET /readyz`: a report could be made."""
        try:
            await self.ping()
        except DatabaseError:
            return PlainTextResponse("the database is not reached", status_code=503)
        return PlainTextResponse("ready")


def _read_account(request: Request) -> AccountId | ApiError:
    """Return whose usage it is, as Envoy says once authz has agreed; a client cannot say it."""
    try:
        (text,) = request.headers.getlist(ACCOUNT)
        return AccountId(UUID(text))
    except ValueError:
        _log.error("report.unidentified")
        return errors.missing_api_key()
