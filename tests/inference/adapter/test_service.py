"""Where work is done that may take long, and what is refused when there is too much of it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from contract.tokens import RequestTokenizer
from inference.adapter.app import build_app
from inference.adapter.threads import Threads
from tests.contract.model_folder import CARD
from tests.contract.qwen_like import CARD as QWEN
from tests.contract.qwen_like import train_like_qwen
from tests.inference.adapter.adapter_server import Adapter, settings_with
from tests.inference.adapter.eventually import eventually
from tests.inference.adapter.fake_embedder import FakeEmbedder


@dataclass(frozen=True)
class Busy:
    """An adapter whose threads take no more work until `release` is set."""

    adapter: Adapter
    embedder: FakeEmbedder
    release: threading.Event


@asynccontextmanager
async def busy(tokenizer: RequestTokenizer) -> AsyncIterator[Busy]:
    """Serve with one thread, which waits."""
    embedder, release = FakeEmbedder(), threading.Event()
    threads = Threads(count=1, queue_max=0)
    waiting = asyncio.create_task(threads.run(release.wait))
    await asyncio.sleep(0)
    transport = httpx.ASGITransport(build_app(settings_with(), tokenizer, embedder, threads))
    async with httpx.AsyncClient(transport=transport, base_url="http://adapter") as client:
        yield Busy(Adapter(client, port=0), embedder, release)
    release.set()
    await waiting
    threads.close()


async def test_a_long_body_is_refused_while_the_threads_are_busy(
    tokenizer: RequestTokenizer,
) -> None:
    """A short one is read at once."""
    async with busy(tokenizer) as parts:
        assert (await parts.adapter.embed()).status_code == 200
        answer = await parts.adapter.embed(input="long " * 1000)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/embeddings/count"])
@pytest.mark.parametrize("fields", [{"instruction": "q7" * 500}, {"input_type": "query"}])
async def test_a_short_body_that_asks_for_many_prompts_is_long(
    path: str, fields: dict[str, str]
) -> None:
    """One goes before each text: four kilobytes make a megabyte, and would hold up everybody."""
    async with busy(RequestTokenizer(replace(QWEN, context_tokens=4096), train_like_qwen())) as it:
        for texts, status in ((["a"], 200), (["a"] * 500, 503)):
            body = {"model": QWEN.id, "input": texts} | fields
            assert (await it.adapter.client.post(path, json=body)).status_code == status


async def test_what_the_model_has_done_is_never_thrown_away(tokenizer: RequestTokenizer) -> None:
    """However many bodies wait for the threads, an answer waits its turn and is written."""
    async with busy(tokenizer) as parts:
        body = {"model": CARD.id, "input": [[5]] * 100}
        request = asyncio.create_task(parts.adapter.client.post("/v1/embeddings", json=body))
        await eventually(lambda: sum(map(len, _rows(parts.embedder))) == 100)
        await asyncio.sleep(0.05)
        parts.release.set()
        answer = await request
    assert (answer.status_code, len(answer.json()["data"])) == (200, 100)


def _rows(embedder: FakeEmbedder) -> list[tuple[list[int], ...]]:
    return [batch.sequences for batch in embedder.batches]
