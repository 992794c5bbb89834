"""What a request costs besides the model: CPU time of the adapter and of Triton's own process.

The model behind them is as wide as the real one but computes next to nothing, in a process of its
own that is not counted: TensorRT computes on a GPU. What the GPU would take is reckoned from the
real shape's operations and the GPU's own limit.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import orjson
import psutil

from bench.model_servers import Servers, serving
from bench.model_shape import SHAPES, flop_per_token
from bench.serving_model import MODEL, write_thin_checkpoint
from bench.spread import Spread
from bench.texts import make_text

GPUS: Final[Mapping[str, float]] = {"H200": 989e12, "L4": 121e12}
"""FLOP/s by NVIDIA's data sheets, dense bf16: no run comes near it, so no share is flattered."""
_WORKS: Final = ((1, 32), (1, 128), (1, 512), (1, 2048), (8, 128), (8, 512), (64, 32), (32, 512))
"""Rows of a request, and the tokens of each."""
_AT_ONCE: Final = 8
_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a request, in milliseconds: CPU time of the two processes."""

    rows: int
    tokens: int
    adapter_ms: tuple[float, ...]
    triton_ms: tuple[float, ...]

    def row(self) -> str:
        """Return a line of the table."""
        both = [sum(each) for each in zip(self.adapter_ms, self.triton_ms, strict=True)]
        cells = [f"{self.rows} of {self.tokens}"]
        cells += [Spread.of(each).show(2) for each in (self.adapter_ms, self.triton_ms)]
        for flop_per_second in GPUS.values():
            gpu_ms = self._gpu_ms(flop_per_second)
            cells += [f"{gpu_ms:.2f}", f"{100 * median(both) / gpu_ms:.1f} %"]
        return f"| {' | '.join(cells)} |"

    def _gpu_ms(self, flop_per_second: float) -> float:
        """Return what Qwen3-Embedding-8B takes at the least."""
        flop = self.rows * self.tokens * flop_per_token(SHAPES["8b"], self.tokens)
        return flop / flop_per_second * 1e3


def measure_serving(
    folder: Path, *, seconds: float, rounds: int, say: Callable[[str], None]
) -> list[Cost]:
    """Build the thin model, serve it, and send each kind of request in turn."""
    repository = _compile(folder, say)
    with serving(repository, Path(sys.executable), folder) as servers:
        return asyncio.run(_measure(servers, seconds, rounds, say))


def _compile(folder: Path, say: Callable[[str], None]) -> Path:
    say("Building a model that is wide and thin")
    write_thin_checkpoint(folder / MODEL)
    out = folder / "repository"
    argv = [sys.executable, "-m", "inference", "model", "compile", str(folder / MODEL)]
    subprocess.run(
        [*argv, "--engine", "onnxruntime", "--out", str(out)],
        check=True,
        timeout=600,
        stdout=subprocess.DEVNULL,
    )
    return out


async def _measure(
    servers: Servers, seconds: float, rounds: int, say: Callable[[str], None]
) -> list[Cost]:
    transport = httpx.AsyncHTTPTransport(uds=str(servers.socket))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://adapter", timeout=_TIMEOUT_SECONDS
    ) as client:
        costs = []
        for rows, tokens in _WORKS:
            say(f"Requests of {rows} texts of {tokens} tokens")
            await _spend(client, servers, rows, tokens, seconds / 5)
            spent = [
                await _spend(client, servers, rows, tokens, seconds / 2) for _ in range(rounds)
            ]
            adapter, triton = zip(*spent, strict=True)
            costs.append(Cost(rows, tokens, adapter, triton))
        return costs


async def _spend(
    client: httpx.AsyncClient, servers: Servers, rows: int, tokens: int, seconds: float
) -> tuple[float, float]:
    """Return the milliseconds of CPU that a request took of the adapter and of Triton."""
    bodies = [_body(rows, tokens, number) for number in range(2 * _AT_ONCE)]
    processes = [psutil.Process(pid) for pid in (servers.adapter_pid, servers.triton_pid)]
    before = [_cpu_seconds(each) for each in processes]
    sent = await _send_for(client, bodies, tokens * rows, seconds)
    spent = [_cpu_seconds(each) - old for each, old in zip(processes, before, strict=True)]
    return spent[0] / sent * 1e3, spent[1] / sent * 1e3


def _body(rows: int, tokens: int, number: int) -> bytes:
    # Each word is a token, and the model's end is one more.
    texts = [make_text(tokens - 1, seed=number * rows + row) for row in range(rows)]
    return orjson.dumps({"model": MODEL, "input": texts, "encoding_format": "base64"})


async def _send_for(
    client: httpx.AsyncClient, bodies: Sequence[bytes], tokens: int, seconds: float
) -> int:
    """Return how many requests were answered; each must have had so many tokens."""
    ends_at = time.perf_counter() + seconds
    sent = 0

    async def send_on(first: int) -> None:
        nonlocal sent
        for number in count(first, _AT_ONCE):
            answer = await client.post("/v1/embeddings", content=bodies[number % len(bodies)])
            if answer.status_code != httpx.codes.OK:
                raise SystemExit(f"{answer.status_code}: {answer.text}")
            if (seen := orjson.loads(answer.content)["usage"]["prompt_tokens"]) != tokens:
                raise SystemExit(f"A request had {seen} tokens, not {tokens}")
            sent += 1
            if time.perf_counter() >= ends_at:
                return

    await asyncio.gather(*map(send_on, range(_AT_ONCE)))
    return sent


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
