"""What one check costs: authz against an empty servicer, asked in turns with the same bytes.

The cost is the server process's own CPU time for each call, so that nobody else's share of the same
cores counts, and a busy machine changes little.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

import grpc
import orjson
import psutil

from bench.admin import CHECK, ask
from bench.product import MODEL
from bench.spread import Spread
from bench.texts import make_texts
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckResponse
from stack.launch import RunningStack
from stack.process import Command
from stack.spawn import spawn

_WORDS_MEAN: Final = 40
_AT_ONCE: Final = (1, 8)
_SECONDS: Final = 20.0

Call: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one server: CPU of a call and the median of what a caller waited, in microseconds."""

    cpu_us: float
    p50_us: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Rounds of both servers, each measured right after the other, with so many calls at once."""

    at_once: int
    rounds: tuple[tuple[Cost, Cost], ...]

    def row(self) -> str:
        """Return a line of the table."""
        empty, ours = zip(*self.rounds, strict=True)
        ratio = Spread.of([one.cpu_us / none.cpu_us for none, one in self.rounds])
        cells = (
            Spread.of([cost.cpu_us for cost in empty]).show(0),
            Spread.of([cost.cpu_us for cost in ours]).show(0),
            f"**{ratio.show(2)}**",
            Spread.of([cost.p50_us for cost in empty]).show(0),
            Spread.of([cost.p50_us for cost in ours]).show(0),
        )
        return f"| {self.at_once} | {' | '.join(cells)} |"


def measure_checks(
    stack: RunningStack, folder: Path, *, seconds: float, rounds: int, say: Callable[[str], None]
) -> list[Costs]:
    """Compare with one call at a time, and with several."""
    with _running_empty(folder) as empty:
        servers = (
            _Server(psutil.Process(empty), folder / "empty.sock"),
            _Server(psutil.Process(stack.pid("authz-1")), stack.layout.socket("authz-1")),
        )
        return [
            asyncio.run(_compare(servers, stack.key, at_once, seconds, rounds, say))
            for at_once in _AT_ONCE
        ]


@dataclass(frozen=True, slots=True)
class _Server:
    process: psutil.Process
    socket: Path

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


async def _compare(
    servers: tuple[_Server, _Server],
    key: str,
    at_once: int,
    seconds: float,
    rounds: int,
    say: Callable[[str], None],
) -> Costs:
    questions = [_write(key, text) for text in make_texts(500, _WORDS_MEAN)]
    results = []
    for number in range(rounds):
        say(f"A check's cost, {at_once} at once, round {number + 1} of {rounds}")
        empty, ours = [await _load(each, questions, at_once, seconds) for each in servers]
        results.append((empty, ours))
    return Costs(at_once, tuple(results))


def _write(key: str, text: str) -> bytes:
    body = orjson.dumps({"model": MODEL, "input": text, "encoding_format": "base64"})
    return ask(key, "POST", "/v1/embeddings", body).SerializeToString()


async def _load(server: _Server, questions: Sequence[bytes], at_once: int, seconds: float) -> Cost:
    async with grpc.aio.insecure_channel(f"unix:{server.socket}") as channel:
        call = channel.unary_unary(CHECK, None, None)
        await _ask_for(call, questions, at_once, seconds / 5)  # a lease is taken, caches are warm
        before = server.cpu_seconds()
        waits = await _ask_for(call, questions, at_once, seconds)
        spent = server.cpu_seconds() - before
    return Cost(spent / len(waits) * 1e6, median(waits) * 1e6)


async def _ask_for(
    call: Call, questions: Sequence[bytes], at_once: int, seconds: float
) -> list[float]:
    """Return how long each answer took, in seconds."""
    waits: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def ask_on(first: int) -> None:
        number = first
        while (begun := time.perf_counter()) < ends_at:
            answer = await call(questions[number % len(questions)], timeout=_SECONDS)
            waits.append(time.perf_counter() - begun)
            number += at_once
            if CheckResponse.FromString(answer).HasField("denied_response"):
                raise SystemExit("A check was refused, so the figures do not count")

    await asyncio.gather(*(ask_on(first) for first in range(at_once)))
    return waits


@contextlib.contextmanager
def _running_empty(folder: Path) -> Iterator[int]:
    """Run the empty servicer; yield its process id."""
    socket = folder / "empty.sock"
    command = Command((sys.executable, "-m", "bench.empty_servicer", str(socket)))
    spawned = spawn(command, folder / "empty.log")
    try:
        deadline = time.monotonic() + _SECONDS
        while not socket.exists():
            if time.monotonic() > deadline:
                raise SystemExit("The empty servicer did not start")
            time.sleep(0.05)
        yield spawned.pid
    finally:
        spawned.stop()
        spawned.wait(timeout_seconds=10)
