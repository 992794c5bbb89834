"""The adapter's process."""

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn
import uvloop
from pydantic import ValidationError
from starlette.types import ASGIApp

from contract.tokens import RequestTokenizer
from inference.adapter.app import build_app
from inference.adapter.channels import open_channels, until_lost
from inference.adapter.origin import Origin
from inference.adapter.proof import ProvenEmbedder
from inference.adapter.settings import AdapterSettings
from inference.adapter.stamp import Stamp
from inference.adapter.threads import Threads
from inference.adapter.triton import TritonEmbedder
from inference.adapter.wire import Wire
from runtime import garbage, unix_http
from runtime.logging import configure_logging

_log = structlog.get_logger()


def run() -> None:
    """Serve until SIGTERM or SIGINT; finish what is under way, and exit with 0."""
    configure_logging("adapter")
    settings = _read_settings()
    # Links followed once, so that both are of one build though another may take its place now.
    folder = settings.model_folder.resolve()
    tokenizer = _read_tokenizer(folder)
    origin = _read_origin(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn takes over, and raises the signal anew when it has stopped gracefully.
        signal.signal(number, _exit)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(settings, tokenizer, origin))
        except OSError as error:
            sys.exit(f"The adapter cannot serve on ADAPTER_SOCKET {settings.socket}: {error}")


async def serve(settings: AdapterSettings, tokenizer: RequestTokenizer, origin: Origin) -> None:
    """Serve until the process is told to stop."""
    threads = Threads(settings.threads, settings.thread_queue_max)
    channels = open_channels(settings.triton_address, settings.triton_channels)
    width, timeout_seconds = tokenizer.card.dimensions_max, settings.call_timeout_seconds
    triton = TritonEmbedder(channels, width, timeout_seconds, Wire.plan(origin.serving))
    embedder = ProvenEmbedder(triton, origin.golden)
    app = build_app(settings, tokenizer, embedder, threads, origin.serving, embedder.differs)
    app = Stamp(app, origin.fingerprint)
    proving = asyncio.create_task(embedder.keep_proving(partial(until_lost, channels[0])))
    proving.add_done_callback(_tell_of_failure)
    garbage.settle()
    _log.info("adapter.started", socket=str(settings.socket), model=tokenizer.card.id)
    try:
        await uvicorn.Server(configure(settings, app)).serve()
    finally:
        proving.cancel()
        for channel in channels:
            await channel.close(grace=None)
        threads.close()
        _log.info("adapter.stopped")


def configure(settings: AdapterSettings, app: ASGIApp) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    return unix_http.configure(app, settings.socket, settings.shutdown_timeout_seconds)


def _read_settings() -> AdapterSettings:
    try:
        return AdapterSettings.model_validate({})  # the rest is from the environment
    except ValidationError as error:
        mistakes = (f"ADAPTER_{mistake['loc'][0]}".upper() for mistake in error.errors())
        sys.exit(f"The adapter's settings are missing or wrong: {', '.join(mistakes)}.")


def _read_tokenizer(folder: Path) -> RequestTokenizer:
    try:
        return RequestTokenizer.read(folder)
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception for a bad file
        sys.exit(
            f"ADAPTER_MODEL_FOLDER {folder} holds no readable model card and tokenizer: {error}"
        )


def _read_origin(folder: Path) -> Origin:
    try:
        return Origin.read(folder)
    except (OSError, ValueError) as error:
        sys.exit(f"ADAPTER_MODEL_FOLDER {folder} cannot be used: {error}")


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    """Say why nobody will be served; nothing waits for the task."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("model.unproven", exc_info=error)


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
