"""NVIDIA's own parser and builder take the graphs that we write for them."""

import shutil
from pathlib import Path

import pytest

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import packaged_checkpoint
from inference.graph.write import write_graph
from inference.progress import Silent
from inference.serving import Bucket
from inference.tensorrt.api import find_compiler
from inference.tensorrt.build import Recipe, build_plan
from inference.variant import Form, Precision
from tests.inference.model.qwen3_checkpoint import write_qwen3

_BUCKETS = (Bucket(8, 4), Bucket(64, 2))


def _build(checkpoint: Checkpoint, precision: Precision) -> int:
    model = write_graph(
        checkpoint, precision, Form.PADDED, for_tensorrt=True, positions_max=_BUCKETS[-1].length
    )
    graph = checkpoint.folder / "model.onnx"
    graph.write_bytes(model.SerializeToString())
    recipe = Recipe(graph, "revision", precision, Form.PADDED, _BUCKETS)
    plan = checkpoint.folder / "model.plan"
    return build_plan(find_compiler("sm89"), recipe, plan, Silent()).size


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_the_packaged_bert_compiles(tmp_path: Path, precision: Precision) -> None:
    """With real lengths instead of a mask."""
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(packaged_checkpoint() / name, tmp_path / name)
    assert _build(Checkpoint.open(tmp_path), precision) > 0


def test_a_qwen3_whose_weights_are_of_another_precision_compiles(tmp_path: Path) -> None:
    """The casts of weights are folded; from several shards."""
    write_qwen3(tmp_path, {"num_hidden_layers": 1}, dtype="BF16", shards=2)
    assert _build(Checkpoint.open(tmp_path), Precision.FP16) > 0
