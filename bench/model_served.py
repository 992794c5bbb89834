"""Measures a model from end to end: HTTP to the adapter, its batches, a real Triton."""

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import orjson

from bench.model_engine import QUERIES_PER_SECOND, WAITS_SECONDS, parity_ids
from bench.model_messages import Measured, Waits
from bench.model_servers import NotServedError, serving
from bench.model_timing import draw_arrivals, summarise
from bench.model_work import draw_ids, plan_works, query_lengths
from contract.headers import KEY
from contract.models import ModelCard
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.rows import Ids, Vectors
from inference.serving import Serving

_AT_ONCE: Final = 3
"""Bulk requests under way: enough that a batch always waits while another is computed."""
_TIMEOUT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class _Caller:
    """Sends one model's requests."""

    client: httpx.AsyncClient
    model: str

    async def embed(self, rows: list[Ids], key: str = "bulk") -> bytes:
        """Return the answer's body."""
        body = {
            "model": self.model,
            "input": [row.tolist() for row in rows],
            "encoding_format": "base64",
        }
        answer = await self.client.post(
            "/v1/embeddings", content=orjson.dumps(body), headers={KEY: key}
        )
        if answer.status_code != httpx.codes.OK:
            raise NotServedError(f"{answer.status_code}: {answer.text}")
        return answer.content


def measure_served(
    repository: Path, python: Path, folder: Path, config: Qwen3Config, seconds: float
) -> Measured:
    """Serve the repository and measure it.

    Raises:
        NotServedError: it cannot be served, or not answered with vectors.
        StackError: there is no Triton here.
        httpx.HTTPError: a request was not answered.
    """
    served = Serving.read(repository / "card")
    model = ModelCard.read(repository / "card").id
    with serving(repository, python, folder) as servers:
        return asyncio.run(_measure(servers.socket, model, served, folder, config, seconds))


async def _measure(
    socket: Path, model: str, served: Serving, folder: Path, config: Qwen3Config, seconds: float
) -> Measured:
    random = np.random.default_rng(9)
    transport = httpx.AsyncHTTPTransport(uds=str(socket), retries=0)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://adapter", timeout=_TIMEOUT_SECONDS
    ) as client:
        caller = _Caller(client, model)
        vectors = folder / "served.npy"
        np.save(vectors, _read(await caller.embed(parity_ids(config))))
        rates = {}
        for work in plan_works(config, served.tokens_max):
            batches = [draw_ids(run, config.vocabulary_size, random) for run in work.runs]
            rates[work.name] = await _measure_rate(caller, batches, seconds)
        queries = draw_ids(query_lengths(), config.vocabulary_size, random)
        waits = await _measure_waits(caller, batches, queries, seconds * WAITS_SECONDS)
    variant = served.variant
    return Measured(variant.engine, variant.precision, "through Triton", rates, waits, str(vectors))


async def _measure_rate(caller: _Caller, batches: Sequence[list[Ids]], seconds: float) -> float:
    await caller.embed(batches[0])
    tokens = 0
    began = time.perf_counter()

    async def call_on(first: int) -> None:
        nonlocal tokens
        for number in count(first, _AT_ONCE):
            batch = batches[number % len(batches)]
            await caller.embed(batch)
            tokens += sum(map(len, batch))
            if time.perf_counter() - began >= seconds:
                return

    await asyncio.gather(*map(call_on, range(_AT_ONCE)))
    return tokens / (time.perf_counter() - began)


async def _measure_waits(
    caller: _Caller, batches: Sequence[list[Ids]], queries: list[Ids], seconds: float
) -> Waits:
    waits: list[float] = []
    began = time.perf_counter()

    async def ask(number: int, arrival: float) -> None:
        await asyncio.sleep(began + arrival - time.perf_counter())
        await caller.embed([queries[number % len(queries)]], key="queries")
        waits.append(time.perf_counter() - began - arrival)

    bulk = asyncio.create_task(_measure_rate(caller, batches, seconds))
    arrivals = draw_arrivals(QUERIES_PER_SECOND, seconds)
    await asyncio.gather(*(ask(*numbered) for numbered in enumerate(arrivals)))
    return summarise(waits, await bulk)


def _read(body: bytes) -> Vectors:
    rows = [base64.b64decode(row["embedding"]) for row in orjson.loads(body)["data"]]
    return np.stack([np.frombuffer(row, dtype="<f4") for row in rows])
