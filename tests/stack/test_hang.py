"""A process that lives and answers nothing is ended and started again; no other is."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import pytest

from stack import probe
from stack.process import Process
from stack.silence import Patience
from stack.status import UnitState
from tests.stack.programs import lives, process, python
from tests.stack.watched import Watched

_IMPATIENT: Final = Patience(pause_seconds=0.05, answer_seconds=0.3, silence_seconds=0.6)
_QUESTION: Final = b"?"
_SERVER: Final = """
import os, socket, sys
path = sys.argv[1]
if os.path.exists(path):
    os.unlink(path)
listening = socket.create_server(path, family=socket.AF_UNIX)
while True:
    connection, _ = listening.accept()
    while connection.recv(1) == b"!":
        while True:
            pass
    connection.close()
"""
"""Closes each connection once it was asked `?`, and runs in circles once it was asked `!`."""


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """A supervised server, that is ready."""
    answers = probe.any_on_socket(tmp_path / "socket", _QUESTION)
    command = python(_SERVER, str(tmp_path / "socket"))
    server = Process("server", command, answers, answers, tmp_path / "log", stop_seconds=0.2)
    running = Watched(server, patience=_IMPATIENT)
    await running.supervisor.start()
    yield running
    await running.supervisor.stop()


async def test_a_stopped_process_is_replaced(watched: Watched) -> None:
    """It goes on just to end, as orderly as ever, and the status says why."""
    before = watched.unit("server").pid or 0
    os.kill(before, signal.SIGSTOP)
    await watched.until(lambda: watched.unit("server").restarts == 1)
    assert watched.unit("server").message == "gave no answer for 0.6 s and was ended"
    await watched.until(lambda: watched.unit("server").state is UnitState.READY)
    assert not lives(before)


async def test_a_process_that_runs_in_circles_is_replaced(tmp_path: Path, watched: Watched) -> None:
    """To hang is to answer nothing, whatever the reason."""
    _, writer = await asyncio.open_unix_connection(tmp_path / "socket")
    writer.write(b"!")
    await watched.until(lambda: watched.unit("server").restarts == 1)
    await watched.until(lambda: watched.unit("server").state is UnitState.READY)
    writer.close()


async def test_a_process_whose_guard_is_stopped_too_is_replaced(watched: Watched) -> None:
    """Whoever stops a whole tree stops the guard with it."""
    program = psutil.Process(watched.unit("server").pid)
    guard = program.parent()
    assert guard is not None
    program.suspend()
    guard.suspend()
    await watched.until(lambda: watched.unit("server").restarts == 1)
    await watched.until(lambda: watched.unit("server").state is UnitState.READY)


async def test_a_process_that_answers_now_and_then_is_left_alone(tmp_path: Path) -> None:
    """Neither two questions in vain nor the time they took are reason enough."""
    asked = 0
    enough = asyncio.Event()

    async def answers() -> bool:
        nonlocal asked
        asked += 1
        if asked == 30:
            enough.set()
        return asked % 3 == 0

    hesitant = replace(process("hesitant", tmp_path), answers=answers)
    watched = Watched(hesitant, patience=Patience(pause_seconds=0.001, silence_seconds=0))
    await watched.supervisor.start()
    async with asyncio.timeout(20):
        await enough.wait()
    assert watched.unit("hesitant").restarts == 0
    await watched.supervisor.stop()


async def test_a_process_that_only_says_no_is_left_alone(tmp_path: Path) -> None:
    """What it needs is away; to end it would not bring that back."""
    async with _serving(tmp_path / "socket", b"HTTP/1.1 503 Service Unavailable\r\n\r\n"):
        assert not await probe.http_on_socket(tmp_path / "socket", "/readyz")()
        assert await probe.any_http_on_socket(tmp_path / "socket", "/readyz")()


async def test_a_closed_connection_is_an_answer(tmp_path: Path) -> None:
    """A process that turns connections away, for there are too many, does so itself."""
    async with _serving(tmp_path / "socket", b""):
        assert await probe.any_on_socket(tmp_path / "socket", _QUESTION)()


async def test_no_listener_is_no_answer(tmp_path: Path) -> None:
    """A process that has lost its socket serves nobody."""
    assert not await probe.any_on_socket(tmp_path / "socket", _QUESTION)()
    assert not await probe.any_grpc_health(tmp_path / "socket")()


@asynccontextmanager
async def _serving(socket: Path, answer: bytes) -> AsyncIterator[None]:
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(respond, socket):
        yield
