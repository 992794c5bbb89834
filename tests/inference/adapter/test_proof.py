"""Nobody is served by a model that is not the one that was compiled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import numpy as np
import pytest
from structlog.testing import capture_logs

from inference.adapter.embedder import Batch, EmbedderError, FailureKind
from inference.adapter.proof import Outcome, ProvenEmbedder
from inference.golden import Golden, golden_of
from inference.variant import Precision
from tests.inference.adapter.eventually import eventually
from tests.inference.adapter.fake_embedder import FakeEmbedder, vector_of

_SEQUENCES: Final = ([1, 2], [3], [4, 5, 6])


def _golden(*, wrong: bool = False) -> Golden:
    vectors = np.stack([vector_of(ids) for ids in _SEQUENCES])
    if wrong:
        vectors[1] = vector_of([99])
    return golden_of(_SEQUENCES, vectors, Precision.FP32, "t", "a test")


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


async def test_a_model_that_gives_its_golden_vectors_serves() -> None:
    """It is asked for each of them, and for nothing else before."""
    fake = FakeEmbedder()
    embedder = ProvenEmbedder(fake, _golden())
    assert not await embedder.is_ready()
    await embedder.prove()
    assert [batch.sequences for batch in fake.batches] == [(ids,) for ids in _SEQUENCES]
    assert await embedder.is_ready()
    assert (await embedder.embed(Batch(([7],)))).shape == (1, 384)


async def test_a_model_that_gives_others_is_never_ready() -> None:
    """It serves nobody, says why once, and a metric can be read."""
    embedder = ProvenEmbedder(FakeEmbedder(), _golden(wrong=True))
    with capture_logs() as logs:
        await embedder.prove()
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("model.differs", "error")
    assert line["difference"].startswith("vector 1, of 1 tokens, has cosine")
    assert embedder.differs()
    assert not await embedder.is_ready()
    with pytest.raises(EmbedderError, match="unavailable: no proof of the model: differs"):
        await embedder.embed(Batch(([7],)))


async def test_before_there_is_an_outcome_nobody_is_served() -> None:
    """The model might be another."""
    embedder = ProvenEmbedder(FakeEmbedder(), _golden())
    with pytest.raises(EmbedderError, match="unavailable: no proof of the model: unknown"):
        await embedder.embed(Batch(([7],)))
    assert not embedder.differs()


@pytest.mark.parametrize("kind", list(FailureKind))
async def test_it_is_asked_again_while_triton_loads_the_model(kind: FailureKind) -> None:
    """Whatever Triton answers meanwhile; only a fault is told, and that once."""
    fake = FakeEmbedder(failure=EmbedderError(kind, "not yet"))
    embedder = ProvenEmbedder(fake, _golden(), _at_once)
    with capture_logs() as logs:
        proving = asyncio.create_task(embedder.prove())
        await eventually(lambda: len(fake.batches) > 5)
        assert not await embedder.is_ready()
        fake.failure = None
        await asyncio.wait_for(proving, 30)
    assert embedder.outcome is Outcome.PROVEN
    faults = [line for line in logs if line["event"] == "model.faulty"]
    assert len(faults) == (1 if kind is FailureKind.FAULTY else 0)


async def test_a_proven_model_is_ready_while_triton_says_so() -> None:
    """The proof comes on top of what was asked before."""
    fake = FakeEmbedder()
    embedder = ProvenEmbedder(fake, _golden())
    await embedder.prove()
    fake.ready = False
    assert not await embedder.is_ready()


class Connection:
    """A connection to Triton that is lost when it is told."""

    def __init__(self) -> None:
        self._losses = asyncio.Semaphore(0)

    def lose(self) -> None:
        """Be lost once."""
        self._losses.release()

    async def lost(self) -> None:
        """Return once it is lost."""
        await self._losses.acquire()


@asynccontextmanager
async def _proving(fake: FakeEmbedder) -> AsyncIterator[tuple[ProvenEmbedder, Connection]]:
    """Keep proving a model, whose first proof is through."""
    embedder, connection = ProvenEmbedder(fake, _golden(), _at_once), Connection()
    proving = asyncio.create_task(embedder.keep_proving(connection.lost))
    await eventually(embedder.is_ready)
    yield embedder, connection
    proving.cancel()


async def test_a_model_that_came_back_is_proven_anew() -> None:
    """Until it is, nobody is served."""
    fake = FakeEmbedder()
    async with _proving(fake) as (embedder, connection):
        fake.failure = EmbedderError(FailureKind.UNAVAILABLE, "it starts")
        connection.lose()
        await eventually(lambda: embedder.outcome is Outcome.UNKNOWN)
        assert not await embedder.is_ready()
        fake.failure = None
        await eventually(embedder.is_ready)
        assert len(fake.batches) > 2 * len(_SEQUENCES)


async def test_another_model_that_came_in_its_place_serves_nobody_and_the_right_one_does() -> None:
    """What Triton was given meanwhile is not what the answers would be stamped with."""
    fake = FakeEmbedder()
    async with _proving(fake) as (embedder, connection):
        fake.spoilt = {3}
        connection.lose()
        await eventually(embedder.differs)
        with pytest.raises(EmbedderError, match="no proof of the model: differs"):
            await embedder.embed(Batch(([7],)))
        fake.spoilt = set()
        connection.lose()
        await eventually(embedder.is_ready)


async def test_a_connection_that_was_lost_during_the_proof_makes_it_void() -> None:
    """Half of the vectors might be another model's."""
    fake = FakeEmbedder()
    fake.open.clear()
    embedder, connection = ProvenEmbedder(fake, _golden(), _at_once), Connection()
    proving = asyncio.create_task(embedder.keep_proving(connection.lost))
    await eventually(lambda: fake.running == 1)
    connection.lose()
    fake.open.set()
    await eventually(lambda: len(fake.batches) == 2 * len(_SEQUENCES))
    await eventually(embedder.is_ready)
    proving.cancel()


async def test_a_folder_without_golden_vectors_serves_and_says_so() -> None:
    """Its operator has chosen that."""
    embedder = ProvenEmbedder(FakeEmbedder(), None)
    assert await embedder.is_ready()
    with capture_logs() as logs:
        await embedder.keep_proving(asyncio.Event().wait)
    assert [line["event"] for line in logs] == ["model.unproven"]
