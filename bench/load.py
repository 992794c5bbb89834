"""A closed-loop HTTP/1.1 load: N connections, each sending its next request when answered.

Written here because a ratio needs one client for both sides that is light enough (a few tens of
microseconds a request) never to be the limit, on any machine that can run the product.
"""

import asyncio
import multiprocessing
import time
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import quantiles
from typing import cast

import uvloop

from bench.target import Target

_HEADER_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of load saw: requests a second, latencies in milliseconds, failures."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    failures: int


def measure(target: Target, *, connections: int, seconds: float) -> Result:
    """Load `target` from a process of its own, for a tenth longer than `seconds` to warm up."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (target, connections, seconds))


def _run(target: Target, connections: int, seconds: float) -> Result:
    return uvloop.run(_load(target, connections, seconds))


async def _load(target: Target, connections: int, seconds: float) -> Result:
    loop = asyncio.get_running_loop()
    start_ns = time.perf_counter_ns() + int(seconds * 1e8)
    clients: list[_Client] = []
    for index in range(connections):
        requests = islice(cycle(target.requests), index * 7 % len(target.requests), None)
        _, client = await loop.create_connection(
            lambda requests=requests: _Client(requests, start_ns),  # type: ignore[misc]
            target.host,
            target.port,
        )
        clients.append(client)
    await asyncio.sleep(seconds * 1.1)
    elapsed = (time.perf_counter_ns() - start_ns) / 1e9
    for client in clients:
        client.close()
    latencies = sorted(ns for client in clients for ns in client.latencies_ns)
    if len(latencies) < 2:
        raise RuntimeError(f"{target.name} answered fewer than two requests in {seconds:.0f} s")
    cuts = quantiles(latencies, n=100)
    return Result(
        requests_per_second=len(latencies) / elapsed,
        p50_ms=cuts[49] / 1e6,
        p99_ms=cuts[98] / 1e6,
        failures=sum(client.failures for client in clients),
    )


class _Client(asyncio.Protocol):
    """One connection; measures from the write of a request to the last byte of its answer."""

    def __init__(self, requests: "islice[bytes]", start_ns: int) -> None:
        self.latencies_ns: list[int] = []
        self.failures = 0
        self._requests = requests
        self._start_ns = start_ns
        self._buffer = b""
        self._missing = 0
        self._sent_ns = 0
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # TCP goes both ways
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        if not self._closing:
            self.failures += 1

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._buffer += data
            end = self._buffer.find(_HEADER_END)
            if end < 0:
                return
            self._missing = _content_length(self._buffer[:end]) - (len(self._buffer) - end - 4)
            if not self._buffer.startswith(b"HTTP/1.1 200"):
                self.failures += 1
            self._buffer = b""
        if self._missing == 0:
            self._finish()

    def close(self) -> None:
        self._closing = True
        self._transport.close()

    def _finish(self) -> None:
        now = time.perf_counter_ns()
        if self._sent_ns >= self._start_ns:
            self.latencies_ns.append(now - self._sent_ns)
        if not self._closing:
            self._send()

    def _send(self) -> None:
        self._sent_ns = time.perf_counter_ns()
        self._transport.write(next(self._requests))


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer came without a content-length")
