"""The engine in a real Triton, on a CPU: its Python is the one that has PyTorch."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc import StatusCode

from inference.checkpoint.cards import card_of
from inference.checkpoint.folder import Checkpoint
from inference.engine.rows import Ids, Vectors
from inference.repository.build import fulfil
from inference.repository.order import Order
from inference.repository.tuning import Tuning
from inference.variant import Engine, Form, Precision, Variant
from tests.inference.engine_torch.conftest import LONGEST, NAN_ID, TINY
from tests.inference.model.client import TritonClient
from tests.inference.model.conftest import serve_triton
from tests.reference.vectors import PYTHON

_ERROR_MAX = 1e-5


@pytest.fixture(scope="module")
def client(
    checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TritonClient]:
    """A client of a Triton that serves the model with a NaN in one word, in runs of 64 tokens."""
    checkpoint = Checkpoint.open(checkpoints["nan"])
    order = Order(
        checkpoint,
        card_of(checkpoint),
        Variant(Engine.TORCH, Form.PADDED, Precision.FP32),
        tuning=Tuning(instances=1, run_tokens_max=64),
    )
    out = tmp_path_factory.mktemp("repository")
    fulfil(order, out, prove=lambda *_: None)
    with serve_triton(out, PYTHON) as client:
        yield client


def test_vectors_are_the_references(
    client: TritonClient, texts: list[Ids], references: dict[str, Vectors]
) -> None:
    """Many callers at once, rows of all lengths in a request: each gets its own vectors."""
    lengths = (1, 2, 3, 5, 8, 13, 63, 64, 65, 256, LONGEST)

    def ask(length: int) -> float:
        vectors = client.embed([texts[0][:length], texts[0][: length // 2 + 1]])
        expected = references["tiny"][[length - 1, length // 2]]
        return float(np.abs(vectors - expected).max())

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(ask, lengths * 3)) <= _ERROR_MAX


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([1, TINY.vocabulary_size], StatusCode.INVALID_ARGUMENT),
        ([1, -1], StatusCode.INVALID_ARGUMENT),
        ([1] * (TINY.context_tokens + 1), StatusCode.INVALID_ARGUMENT),
        ([1, NAN_ID], StatusCode.INTERNAL),
    ],
)
def test_what_cannot_be_answered_is_an_error(
    client: TritonClient, ids: list[int], code: StatusCode
) -> None:
    """The same ones as from every other engine."""
    with pytest.raises(grpc.RpcError) as raised:
        client.embed([np.array(ids, dtype=np.int32)])
    assert raised.value.code() is code
