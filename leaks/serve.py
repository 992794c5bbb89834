"""Puts the receiver together and runs it until it is told to stop."""

import time
from collections.abc import Sequence
from typing import Final

import httpx
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from leaks.admin import AdminRevoker
from leaks.admin_channel import AdminChannel, Identity, SecureChannel, SocketChannel
from leaks.body import BodyReader
from leaks.key_fetcher import KeyFetcher
from leaks.key_file import KeyFile
from leaks.metrics import Metrics
from leaks.receive import Receiver
from leaks.routes import Endpoints, explain_fault, explain_http
from leaks.settings import LeaksSettings
from leaks.signature import KeySource, Verifier

_CONNECTIONS_MAX: Final = 512
_HEADER_BYTES_MAX: Final = 16 * 2**10
_STOP_SECONDS: Final = 30

_log = structlog.get_logger()


async def serve(settings: LeaksSettings) -> None:
    """Take reports until the process is told to stop.

    Raises:
        OSError: a file cannot be read.
        BadPublicKeysError: the file of public keys holds none.
    """
    metrics = Metrics()
    channel = _open_channel(settings)
    async with httpx.AsyncClient() as client:
        sources = _open_sources(settings, client, metrics)
        revoker = AdminRevoker(channel, settings.call_timeout_seconds)
        endpoints = Endpoints(
            BodyReader(),
            Verifier(sources),
            Receiver(revoker, settings.report_timeout_seconds),
            revoker.is_ready,
            metrics,
        )
        _log.info("receiver.started", listening=str(settings.socket or settings.address))
        try:
            await uvicorn.Server(_configure(settings, _build_app(endpoints))).serve()
        finally:
            await channel.close()
            _log.info("receiver.stopped")


def _open_channel(settings: LeaksSettings) -> AdminChannel:
    match settings:
        case LeaksSettings(
            admin_address=str(address), admin_ca=authority, admin_cert=certificate, admin_key=key
        ) if authority and certificate and key:
            return SecureChannel(address, Identity(authority, certificate, key))
        case LeaksSettings(admin_socket=socket) if socket:
            return SocketChannel(socket)
        case _:
            raise AssertionError("the settings allow exactly one way")


def _open_sources(
    settings: LeaksSettings, client: httpx.AsyncClient, metrics: Metrics
) -> Sequence[KeySource]:
    sources: list[KeySource] = []
    if settings.github_keys_file is not None:
        sources.append(KeyFile(settings.github_keys_file))
    if settings.github_keys_url is not None:
        sources.append(KeyFetcher(settings.github_keys_url, client, time.monotonic, metrics))
    return sources


def _build_app(endpoints: Endpoints) -> ASGIApp:
    app = Starlette(
        routes=endpoints.routes(),
        exception_handlers={HTTPException: explain_http, Exception: explain_fault},
    )
    app.router.redirect_slashes = False
    return app


def _configure(settings: LeaksSettings, app: ASGIApp) -> uvicorn.Config:
    host, _, port = (settings.address or "127.0.0.1:0").rpartition(":")
    return uvicorn.Config(
        app,
        uds=None if settings.socket is None else str(settings.socket),
        host=host.strip("[]"),
        port=int(port),
        http="h11",  # the strictest reader of HTTP/1; reports are few
        h11_max_incomplete_event_size=_HEADER_BYTES_MAX,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
