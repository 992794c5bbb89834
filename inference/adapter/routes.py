"""The HTTP endpoints: unpack, call, pack."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from contract.errors import ApiError
from contract.headers import (
    KEY,
    REMAINING_MONTH,
    REMAINING_REQUESTS,
    REMAINING_TOKENS,
    SERVED_TOKENS,
    TOKENS,
)
from contract.models import ModelCard
from inference.adapter.answers import Remaining, find_model, write_models
from inference.adapter.connection import read_body, while_connected
from inference.adapter.outcomes import Handler, to_response
from inference.adapter.service import EmbeddingService, Served

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The public API's endpoints, and the two that say how the process is."""

    service: EmbeddingService
    card: ModelCard
    is_ready: Callable[[], Awaitable[bool]]
    request_timeout_seconds: float

    def routes(self, answering: Callable[[Handler], Handler]) -> list[Route]:
        """Return what is served where."""
        return [
            Route("/v1/embeddings", answering(self.create_embeddings), methods=["POST"]),
            Route("/v1/embeddings/count", answering(self.count_tokens), methods=["POST"]),
            Route("/v1/models", answering(self.list_models), methods=["GET"]),
            Route("/v1/models/{id:path}", answering(self.retrieve_model), methods=["GET"]),
            Route("/healthz", answering(self.check_health), methods=["GET"]),
            Route("/readyz", answering(self.check_readiness), methods=["GET"]),
        ]

    async def create_embeddings(self, request: Request) -> Response:
        """`POST /v1/embeddings`."""
        body = await read_body(request)
        if isinstance(body, ApiError):
            return to_response(body)
        headers = request.headers
        work = self.service.embed(body, headers.get(TOKENS), headers.get(KEY, ""))
        async with asyncio.timeout(self.request_timeout_seconds):
            return _pack_vectors(await while_connected(request.receive, work))

    async def count_tokens(self, request: Request) -> Response:
        """`POST /v1/embeddings/count`."""
        body = await read_body(request)
        if isinstance(body, ApiError):
            return to_response(body)
        work = self.service.count(body, _read_remaining(request.headers))
        async with asyncio.timeout(self.request_timeout_seconds):
            return _pack(await while_connected(request.receive, work))

    async def list_models(self, _: Request) -> Response:
        """`GET /v1/models`."""
        return _pack(write_models(self.card))

    async def retrieve_model(self, request: Request) -> Response:
        """`GET /v1/models/{id}`; the id's slash may come as `%2F`, which the server decodes."""
        return _pack(find_model(self.card, request.path_params["id"]))

    async def check_health(self, _: Request) -> Response:
        """`GET /healthz`: the process runs."""
        return PlainTextResponse("ok")

    async def check_readiness(self, _: Request) -> Response:
        """`GET /readyz`: the model would answer."""
        if await self.is_ready():
            return PlainTextResponse("ready")
        return PlainTextResponse("the model is not ready", status_code=503)


def _read_remaining(headers: Headers) -> Remaining:
    names = (REMAINING_REQUESTS, REMAINING_TOKENS, REMAINING_MONTH)
    return Remaining(*(int(headers[name]) if name in headers else None for name in names))


def _pack_vectors(outcome: Served | ApiError) -> Response:
    if isinstance(outcome, ApiError):
        return to_response(outcome)
    told = {SERVED_TOKENS: str(outcome.tokens)}
    return Response(outcome.body, headers=told, media_type=_JSON)


def _pack(outcome: bytes | ApiError) -> Response:
    if isinstance(outcome, ApiError):
        return to_response(outcome)
    return Response(outcome, media_type=_JSON)
