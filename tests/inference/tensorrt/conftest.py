"""A tiny Qwen3 checkpoint with its graphs beside it, made once for the run."""

from pathlib import Path

import pytest

from inference.checkpoint.folder import Checkpoint
from inference.graph.fp8 import quantize
from inference.graph.scales import Reach, Scales
from inference.graph.write import write_graph
from inference.progress import Silent
from inference.serving import Bucket
from inference.tensorrt.build import Recipe
from inference.tensorrt.reach import measure_reaches
from inference.variant import Form, Precision
from tests.inference.model.qwen3_checkpoint import write_qwen3

POSITIONS = 512
BUCKETS = (Bucket(32, 16), Bucket(128, 4))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A Qwen3 of one layer, in bfloat16 as it is published."""
    folder = tmp_path_factory.mktemp("qwen3")
    write_qwen3(folder, {"num_hidden_layers": 1}, dtype="BF16")
    return Checkpoint.open(folder)


@pytest.fixture(scope="session")
def reaches(checkpoint: Checkpoint) -> dict[str, Reach]:
    """How far its layers reach, over a few rows of every token."""
    rows = [list(range(start, 300, step)) for start, step in ((0, 1), (1, 3), (5, 7), (2, 50))]
    return measure_reaches(checkpoint, rows, Silent())


@pytest.fixture(scope="session")
def recipes(checkpoint: Checkpoint, reaches: dict[str, Reach]) -> dict[Precision, Recipe]:
    """Padded graphs of the checkpoint, by precision."""
    return {
        precision: _padded(checkpoint, reaches, precision)
        for precision in (Precision.BF16, Precision.FP32, Precision.FP8)
    }


@pytest.fixture
def recipe(recipes: dict[Precision, Recipe]) -> Recipe:
    """The one that is served."""
    return recipes[Precision.BF16]


def _padded(checkpoint: Checkpoint, reaches: dict[str, Reach], precision: Precision) -> Recipe:
    written = Precision.BF16 if precision is Precision.FP8 else precision
    model = write_graph(
        checkpoint, written, Form.PADDED, for_tensorrt=True, positions_max=POSITIONS
    )
    if precision is Precision.FP8:
        model = quantize(model, Scales("revision", "tests", reaches))
    path = Path(checkpoint.folder, f"{precision}.onnx")
    path.write_bytes(model.SerializeToString(deterministic=True))
    return Recipe(path, "revision", precision, Form.PADDED, BUCKETS)
