"""What is known of a graph before it is compiled."""

from pathlib import Path

import pytest

from inference.checkpoint.folder import Checkpoint
from inference.tensorrt.build import Recipe
from inference.tensorrt.compiler import CompileError
from inference.tensorrt.graph_file import GraphFile
from inference.variant import Precision
from tests.inference.tensorrt.conftest import POSITIONS


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP32, Precision.FP8])
def test_positions_and_weights_are_found(
    checkpoint: Checkpoint, recipes: dict[Precision, Recipe], precision: Precision
) -> None:
    """The weights are counted where they lie; the positions are the rows of the table of angles."""
    graph = GraphFile.read(recipes[precision].graph)
    weights = sum(tensor.length for tensor in checkpoint.tensors.values())
    assert graph.positions == POSITIONS
    assert graph.weight_bytes == weights + recipes[precision].graph.stat().st_size


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(CompileError, match=r"model\.onnx is no ONNX graph"):
        GraphFile.read(tmp_path / "model.onnx")
