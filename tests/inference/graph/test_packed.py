"""The packed graph says the same as the padded one, as far as a CPU can tell.

`TRT_Attention` itself runs nowhere here: it is spelt out in ONNX's operators. So this shows that
positions, bounds, scale, heads and pooling are right, and not what TensorRT's kernel makes of them.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnxruntime
import pytest

from inference import tensors
from inference.checkpoint.folder import Checkpoint
from inference.engine.rows import Ids, Vectors
from inference.graph.write import write_graph
from inference.variant import Form, Precision
from tests.inference.graph.conftest import References, Texts
from tests.inference.graph.plain_attention import spell_out
from tests.inference.graph.run import load
from tests.inference.graph.shapes import SHAPES
from tests.inference.model.qwen3_checkpoint import CONTEXT

_ERROR_MAX: Final = 1e-5


def _load(checkpoint: Checkpoint) -> onnxruntime.InferenceSession:
    model = write_graph(
        checkpoint, Precision.FP32, Form.PACKED, for_tensorrt=True, positions_max=CONTEXT
    )
    spell_out(model)
    return load(model, checkpoint.folder, "packed.onnx")


def _embed(session: onnxruntime.InferenceSession, sequences: Sequence[Ids]) -> Vectors:
    bounds = np.cumsum([0, *map(len, sequences)], dtype=np.int32)
    feeds = {
        tensors.INPUT_IDS: np.concatenate(sequences),
        tensors.QUERY_LENGTHS: bounds,
        tensors.KV_LENGTHS: bounds,
    }
    vectors: Vectors = session.run([tensors.EMBEDDING], feeds)[0]
    return vectors


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_all_lengths_in_one_batch(
    checkpoints: dict[str, Checkpoint], texts: Texts, references: References, shape: str
) -> None:
    """Each row has the vector that transformers gives it alone."""
    order = np.random.default_rng(6).permutation(len(texts.ended))[:20]
    vectors = _embed(_load(checkpoints[shape]), [texts.ended[place] for place in order])
    assert np.abs(vectors - references.ended[shape][order]).max() <= _ERROR_MAX


def test_a_row_alone(
    checkpoints: dict[str, Checkpoint], texts: Texts, references: References
) -> None:
    """One row, and one of one token, are packed like any."""
    for shape in SHAPES:
        session = _load(checkpoints[shape])
        for place in (0, 20):
            vector = _embed(session, [texts.ended[place]])[0]
            assert np.abs(vector - references.ended[shape][place]).max() <= _ERROR_MAX
