"""The model on a real Triton."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc import StatusCode

from inference.engine.rows import Ids
from inference.repository.build import build_repository
from inference.tensors import ROWS_MAX
from tests.golden.vectors import COSINE_MIN, Golden
from tests.inference.model.checkpoints import WIDTH, tiny_arrays, write_tiny
from tests.inference.model.client import TritonClient
from tests.inference.model.conftest import serve_triton


def _ids(*numbers: int) -> Ids:
    return np.array(numbers, dtype=np.int32)


def _refusal(client: TritonClient, ids: list[list[int]], lengths: list[list[int]]) -> StatusCode:
    with pytest.raises(grpc.RpcError) as raised:
        client.infer(np.array(ids, dtype=np.int32), np.array(lengths, dtype=np.int32))
    code: StatusCode = raised.value.code()
    return code


def test_requests_of_one_row_get_the_reference_vectors(
    triton_client: TritonClient, golden: list[Golden]
) -> None:
    """One after another: each is alone in its batch."""
    vectors = np.concatenate([triton_client.embed([item.ids]) for item in golden])
    cosines = (vectors * np.stack([item.vector for item in golden])).sum(axis=1)
    assert cosines.min() >= COSINE_MIN


def test_requests_of_many_rows_get_the_reference_vectors(
    triton_client: TritonClient, golden: list[Golden]
) -> None:
    """Rows come back in order, up to as many as a request may have."""
    rows = golden[:ROWS_MAX]
    vectors = triton_client.embed([item.ids for item in rows])
    assert (vectors * np.stack([item.vector for item in rows])).sum(axis=1).min() >= COSINE_MIN


def test_concurrent_requests_get_their_own_vectors(
    triton_client: TritonClient, golden: list[Golden]
) -> None:
    """Of all lengths at once, batched by Triton as it likes: nobody gets another's vector."""
    short = [item for item in golden if len(item.ids) < 200] * 4
    with ThreadPoolExecutor(32) as pool:
        vectors = np.concatenate(list(pool.map(lambda i: triton_client.embed([i.ids]), short)))
    cosines = (vectors * np.stack([item.vector for item in short])).sum(axis=1)
    assert cosines.min() >= COSINE_MIN


@pytest.mark.parametrize(
    ("ids", "lengths"),
    [
        ([[101, 102]], [[0]]),
        ([[101, 102]], [[3]]),
        ([[101, 30_522]], [[2]]),
        ([[101, -1]], [[2]]),
        ([[101] * 513], [[513]]),
    ],
)
def test_what_the_model_cannot_run_is_an_invalid_argument(
    triton_client: TritonClient, ids: list[list[int]], lengths: list[list[int]]
) -> None:
    """An error of the caller's, never a vector of something else."""
    assert _refusal(triton_client, ids, lengths) is StatusCode.INVALID_ARGUMENT


def test_too_many_rows_are_an_invalid_argument(triton_client: TritonClient) -> None:
    """Triton refuses them itself."""
    rows = ROWS_MAX + 1
    assert _refusal(triton_client, [[101]] * rows, [[1]] * rows) is StatusCode.INVALID_ARGUMENT


def test_a_bad_request_does_not_touch_its_neighbours(
    triton_client: TritonClient, golden: list[Golden]
) -> None:
    """Good ones among bad ones in the same batches are answered as ever."""
    item = golden[10]

    def ask(number: int) -> float | StatusCode:
        if number % 2:
            return _refusal(triton_client, [[101, 99_999]], [[2]])
        return float((triton_client.embed([item.ids])[0] * item.vector).sum())

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))
    assert set(answers[1::2]) == {StatusCode.INVALID_ARGUMENT}
    assert all(isinstance(a, float) and a >= COSINE_MIN for a in answers[::2])


def test_an_answer_that_is_not_finite_is_an_internal_error(tmp_path: Path) -> None:
    """Nobody ever receives a vector of NaN; the others of the batch receive theirs."""
    arrays = tiny_arrays()
    arrays["embeddings.word_embeddings.weight"][13] = np.nan
    known = write_tiny(tmp_path, arrays)
    build_repository(known, tmp_path, tmp_path / "out")
    with serve_triton(tmp_path / "out") as client, ThreadPoolExecutor(8) as pool:
        bad = [pool.submit(_refusal, client, [[1, 13]], [[2]]) for _ in range(8)]
        good = [pool.submit(client.embed, [_ids(1, 12)]) for _ in range(8)]
        assert {future.result() for future in bad} == {StatusCode.INTERNAL}
        assert all(future.result().shape == (1, WIDTH) for future in good)
        assert all(np.isfinite(future.result()).all() for future in good)
