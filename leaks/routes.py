"""The HTTP endpoints: unpack, call, pack."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from leaks import refusals
from leaks.body import BodyReader
from leaks.metrics import Metrics
from leaks.receive import Outcome, Receiver
from leaks.refusals import Refusal
from leaks.report import Finding, parse_report
from leaks.signature import IDENTIFIER_HEADER, SIGNATURE_HEADER, Verifier, parse_signature
from runtime.metrics import metrics_route

_JSON: Final = "application/json"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where reports are taken, and what says how the process is."""

    bodies: BodyReader
    verifier: Verifier
    receiver: Receiver
    is_admin_ready: Callable[[], Awaitable[bool]]
    metrics: Metrics

    def routes(self) -> list[Route]:
        """Return what is served where."""
        return [
            Route("/github", self.take_report, methods=["POST"]),
            Route("/healthz", self.check_health, methods=["GET"]),
            Route("/readyz", self.check_readiness, methods=["GET"]),
            Route("/metrics", metrics_route(self.metrics.registry), methods=["GET"]),
        ]

    async def take_report(self, request: Request) -> Response:
        """`POST /github`."""
        with self.metrics.track_report():
            answer = await self._answer(request)
        code = answer.code if isinstance(answer, Refusal) else "ok"
        self.metrics.count_report(code)
        if isinstance(answer, Refusal):
            _log.warning("report.refused", code=code)
            return _pack(answer)
        return Response(answer, media_type=_JSON)

    async def _answer(self, request: Request) -> bytes | Refusal:
        signature = parse_signature(
            request.headers.getlist(IDENTIFIER_HEADER), request.headers.getlist(SIGNATURE_HEADER)
        )
        if isinstance(signature, Refusal):
            return signature
        body = await self.bodies.read(request)
        if isinstance(body, Refusal):
            return body
        if (refusal := await self.verifier.refuse(body, signature)) is not None:
            return refusal
        findings = parse_report(body)  # nothing of it is looked at before it is known whose it is
        if isinstance(findings, Refusal):
            return findings
        return self._conclude(findings, await self.receiver.deal_with(findings))

    def _conclude(
        self, findings: Sequence[Finding], outcomes: Sequence[Outcome]
    ) -> bytes | Refusal:
        for outcome in outcomes:
            self.metrics.count_finding(outcome)
        _log.info(
            "report.received", **{outcome.value: outcomes.count(outcome) for outcome in Outcome}
        )
        if Outcome.FAILED in outcomes:
            return refusals.not_revoked()
        return write_feedback(findings, outcomes)

    async def check_health(self, _: Request) -> Response:
        """`GET /healthz`: the process runs."""
        return PlainTextResponse("ok")

    async def check_readiness(self, _: Request) -> Response:
        """`GET /readyz`: a report would be dealt with."""
        if not await self.verifier.is_ready():
            return PlainTextResponse("there are no public keys", status_code=503)
        if not await self.is_admin_ready():
            return PlainTextResponse("the admin API is not reached", status_code=503)
        return PlainTextResponse("ready")


def write_feedback(findings: Sequence[Finding], outcomes: Sequence[Outcome]) -> bytes:
    """Write what GitHub wants to know of each finding: whether it was a key."""
    return orjson.dumps(
        [
            {
                "token_hash": finding.token_hash,
                "token_type": finding.type,
                "label": "true_positive" if outcome is Outcome.REVOKED else "false_positive",
            }
            for finding, outcome in zip(findings, outcomes, strict=True)
        ]
    )


async def explain_http(_: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses."""
    wrong_method = isinstance(error, HTTPException) and error.status_code == 405
    return _pack(refusals.method_not_allowed() if wrong_method else refusals.not_found())


async def explain_fault(_: Request, __: Exception) -> Response:
    """Answer what nobody foresaw; the server logs it."""
    return _pack(refusals.internal())


def _pack(refusal: Refusal) -> Response:
    return Response(refusal.body(), status_code=refusal.status, media_type=_JSON)
