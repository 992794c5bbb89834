"""The adapter served over HTTP inside a test, on a free loopback port."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from contract.tokens import RequestTokenizer
from inference.adapter.app import build_app
from inference.adapter.channels import open_channels
from inference.adapter.embedder import Embedder
from inference.adapter.server import configure
from inference.adapter.settings import AdapterSettings
from inference.adapter.threads import Threads
from inference.adapter.triton import TritonEmbedder
from tests.contract.model_folder import CARD
from tests.inference.adapter.eventually import eventually


@dataclass(frozen=True, slots=True)
class Adapter:
    """A running adapter: a client for it, and where it listens."""

    client: httpx.AsyncClient
    port: int

    @property
    def url(self) -> str:
        """What an SDK takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def embed(self, **fields: object) -> httpx.Response:
        """Send a request for the model, with these fields."""
        body = {"model": CARD.id, "input": "hello"} | fields
        return await self.client.post("/v1/embeddings", json=body)

    async def metric(self, line: str) -> float:
        """Read one number from the metrics, by its name and labels."""
        for text in (await self.client.get("/metrics")).text.splitlines():
            name, _, value = text.rpartition(" ")
            if name == line:
                return float(value)
        raise AssertionError(f"no metric {line}")


def settings_with(**changes: Any) -> AdapterSettings:  # noqa: ANN401 - any setting's value
    """Settings for a test: what it needs, and defaults."""
    needed = {"socket": Path("unused"), "model_folder": Path("unused"), "triton_address": "unused"}
    return AdapterSettings.model_validate(needed | changes)


@asynccontextmanager
async def in_process(
    tokenizer: RequestTokenizer, embedder: Embedder, settings: AdapterSettings
) -> AsyncIterator[Adapter]:
    """Answer without a server between: for what HTTP itself has no part in."""
    threads = Threads(settings.threads, settings.thread_queue_max)
    app = build_app(settings, tokenizer, embedder, threads)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://adapter") as client:
        yield Adapter(client, port=0)
    threads.close()


@asynccontextmanager
async def serve_embedder(
    tokenizer: RequestTokenizer, embedder: Embedder, settings: AdapterSettings
) -> AsyncIterator[Adapter]:
    """Serve an adapter in front of any embedder."""
    threads = Threads(settings.threads, settings.thread_queue_max)
    app = build_app(settings, tokenizer, embedder, threads)
    try:
        async with _serve(settings, app) as port:
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, timeout=30, trust_env=False) as client:
                yield Adapter(client, port)
    finally:
        threads.close()


@asynccontextmanager
async def serve_triton(
    tokenizer: RequestTokenizer, settings: AdapterSettings
) -> AsyncIterator[Adapter]:
    """Serve an adapter in front of the Triton that the settings name."""
    channels = open_channels(settings.triton_address, settings.triton_channels)
    embedder = TritonEmbedder(channels, CARD.dimensions_max, settings.call_timeout_seconds)
    try:
        async with serve_embedder(tokenizer, embedder, settings) as adapter:
            yield adapter
    finally:
        for channel in channels:
            await channel.close(grace=None)


@asynccontextmanager
async def _serve(settings: AdapterSettings, app: ASGIApp) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(configure(settings, app))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await eventually(lambda: server.started or serving.done())
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
