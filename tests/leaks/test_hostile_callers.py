"""Anybody can reach the receiver: what they cannot do to it."""

import asyncio
import socket
from collections.abc import AsyncIterator

from starlette.requests import Request

from leaks import refusals
from leaks.body import BODY_BYTES_MAX, BodyReader
from leaks.refusals import Refusal
from tests.leaks.process import Receiver
from tests.leaks.signing import Signer
from tests.waiting import wait_until


def _connect(receiver: Receiver) -> socket.socket:
    caller = socket.socket(socket.AF_UNIX)
    caller.settimeout(20)
    caller.connect(str(receiver.log.with_name("leaks.sock")))
    return caller


def _head(length: int, **headers: str) -> bytes:
    lines = ("POST /github HTTP/1.1", "Host: a", f"Content-Length: {length}")
    return "\r\n".join((*lines, *(f"{n}: {v}" for n, v in headers.items()), "", "")).encode()


def test_what_is_not_signed_is_refused_before_it_is_read(receiver: Receiver) -> None:
    """Who sends junk does not fill our memory with it."""
    with _connect(receiver) as caller:
        caller.sendall(_head(1_000_000) + b"[")
        assert caller.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_who_hangs_up_in_the_middle_is_counted(receiver: Receiver, signer: Signer) -> None:
    """And is no fault of ours: tracebacks in the log would hide what matters."""
    counted = 'leaks_reports_total{code="incomplete"}'
    with _connect(receiver) as caller:
        caller.sendall(_head(9, **signer.headers(b"[]")) + b"[")
    wait_until(lambda: f"{counted} 1.0" in receiver.client.get("/metrics").text)
    assert "Traceback" not in receiver.log.read_text()


async def test_bodies_that_arrive_together_share_a_limit() -> None:
    """One that is beyond it is asked for again; what the others held is free at their end."""
    reader = BodyReader(all_bytes_max=BODY_BYTES_MAX)
    go_on = asyncio.Event()
    first = asyncio.create_task(_read(reader, b"x" * BODY_BYTES_MAX, go_on))
    await asyncio.sleep(0)
    go_on_at_once = asyncio.Event()
    go_on_at_once.set()
    assert await _read(reader, b"y", go_on_at_once) == refusals.too_busy()
    go_on.set()
    assert await first == b"x" * BODY_BYTES_MAX
    assert await _read(reader, b"y", go_on_at_once) == b"y"


async def _read(reader: BodyReader, body: bytes, go_on: asyncio.Event) -> bytes | Refusal:
    """Read a body whose end comes later than the rest."""
    parts = _parts(body, go_on)
    return await reader.read(Request({"type": "http"}, lambda: anext(parts)))


async def _parts(body: bytes, go_on: asyncio.Event) -> AsyncIterator[dict[str, object]]:
    yield {"type": "http.request", "body": body, "more_body": True}
    await go_on.wait()
    yield {"type": "http.request", "body": b"", "more_body": False}
