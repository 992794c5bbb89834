"""A row that goes wrong inside the model says so in every number, and harms no other."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from onnx import TensorProto

from inference.checkpoint.folder import Checkpoint
from inference.engine.rows import Ids, Vectors
from inference.graph.builder import GraphBuilder
from inference.graph.layers import unit_vectors
from inference.variant import Precision
from tests.inference.graph.run import embed, load, write_single
from tests.inference.model.qwen3_checkpoint import random_arrays, write_qwen3, write_weights

_BROKEN_ID: Final = 13


def _rows() -> list[Ids]:
    rows = [[5, 6, 7], [1, _BROKEN_ID, 2, 3, 4], [8], [_BROKEN_ID], [9, 10, 11, 12]]
    return [np.array(row, dtype=np.int32) for row in rows]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_token_that_breaks_the_layers_spoils_its_own_rows_only(
    tmp_path: Path, value: float
) -> None:
    """From there on whatever attends to it is broken too, up to the last token."""
    whole = embed(load(write_single(Checkpoint.open(write_qwen3(tmp_path))), tmp_path), _rows())
    arrays = random_arrays(tmp_path)
    arrays["embed_tokens.weight"][_BROKEN_ID, 3:] = value
    write_weights(tmp_path, arrays)
    vectors = embed(load(write_single(Checkpoint.open(tmp_path)), tmp_path), _rows())
    assert np.isnan(vectors[[1, 3]]).all()
    assert np.array_equal(vectors[[0, 2, 4]], whole[[0, 2, 4]])


def _scale(tmp_path: Path, x: Vectors) -> Vectors:
    """Run `unit_vectors` alone."""
    graph = GraphBuilder({}, Precision.FP32, for_tensorrt=False)
    given = graph.input("x", TensorProto.FLOAT, ["rows", x.shape[1]])
    graph.output("y", unit_vectors(graph, given), TensorProto.FLOAT, ["rows", x.shape[1]])
    result: Vectors = load(graph.model("unit"), tmp_path).run(["y"], {"x": x})[0]
    return result


@pytest.mark.parametrize(
    "row",
    [
        [np.nan, 1, 1],
        [np.inf, 1, 1],
        [1, -np.inf, 1],
        [np.inf, -np.inf, np.nan],
        [3e38, 3e38, 3e38],
        [0, 0, 0],
        [1e-25, 0, 0],
    ],
)
def test_what_has_no_direction_is_nan_as_a_whole(tmp_path: Path, row: list[float]) -> None:
    """No number of it could be taken for one, and its neighbour is a unit vector."""
    vectors = _scale(tmp_path, np.array([[3, 0, -4], row], dtype=np.float32))
    assert np.isnan(vectors[1]).all()
    assert np.allclose(vectors[0], [0.6, 0, -0.8])
