"""What a written graph is made of, and which graphs there are."""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

from inference.checkpoint.folder import Checkpoint
from inference.graph.write import write_graph
from inference.variant import Form, Precision
from tests.inference.graph.run import write_single
from tests.inference.model.checkpoints import write_tiny
from tests.inference.model.qwen3_checkpoint import CONTEXT, write_qwen3

_INLINE_MAX: Final = 10
"""Numbers in the largest constant of a graph, other than the rotations."""


@pytest.fixture(scope="module")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A small Qwen3 in bfloat16, of several shards."""
    folder = tmp_path_factory.mktemp("qwen3")
    return Checkpoint.open(write_qwen3(folder, dtype="BF16", shards=2))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A small BERT."""
    folder = tmp_path_factory.mktemp("bert")
    write_tiny(folder)
    return Checkpoint.open(folder)


def _tensorrt(
    checkpoint: Checkpoint, precision: Precision = Precision.BF16, form: Form = Form.PADDED
) -> ModelProto:
    return write_graph(checkpoint, precision, form, for_tensorrt=True, positions_max=32)


def test_it_is_valid_onnx(qwen3: Checkpoint) -> None:
    """ONNX's own checker accepts it, with strict shape inference."""
    path = qwen3.folder / "model.onnx"
    path.write_bytes(write_single(qwen3).SerializeToString())
    onnx.checker.check_model(str(path), full_check=True)


@pytest.mark.parametrize("form", Form)
def test_weights_stay_where_they_are(qwen3: Checkpoint, form: Form) -> None:
    """Each tensor is named once, with its extent in the shard that holds it."""
    model = _tensorrt(qwen3, form=form)
    found = {
        tensor.name: {entry.key: entry.value for entry in tensor.external_data}
        for tensor in model.graph.initializer
        if tensor.data_location == TensorProto.EXTERNAL
    }
    assert found == {
        name: {"location": each.file, "offset": str(each.offset), "length": str(each.length)}
        for name, each in qwen3.tensors.items()
    }


@pytest.mark.parametrize("form", Form)
def test_beside_the_rotations_a_graph_holds_no_numbers_of_its_own(
    qwen3: Checkpoint, form: Form
) -> None:
    """Its size does not grow with the model's."""
    own = [
        tensor
        for tensor in _tensorrt(qwen3, form=form).graph.initializer
        if not tensor.external_data and not tensor.name.startswith("rotation")
    ]
    assert max(np.prod(tensor.dims, dtype=int) for tensor in own) < _INLINE_MAX


def test_the_same_checkpoint_gives_the_same_bytes(qwen3: Checkpoint) -> None:
    """So an engine that was compiled from it can be known by its digest."""
    first, second = (write_single(qwen3).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_weights_of_the_wanted_precision_are_taken_as_they_are(qwen3: Checkpoint) -> None:
    """A graph in bfloat16 casts no weight of a checkpoint in bfloat16."""
    model = _tensorrt(qwen3)
    weights = {tensor.name for tensor in model.graph.initializer if tensor.external_data}
    transposed = {node.output[0] for node in model.graph.node if node.op_type == "Transpose"}
    cast = {node.input[0] for node in model.graph.node if node.op_type == "Cast"}
    # The last norm is computed in single precision.
    assert cast & (weights | transposed) == {"norm.weight"}


def _decomposable(model: ModelProto) -> set[bool]:
    return {
        any(attribute.name == "TRT_decomposable" for attribute in node.attribute)
        for node in model.graph.node
        if node.op_type == "Attention"
    }


@pytest.mark.parametrize(
    ("precision", "decomposable"),
    [(Precision.FP32, True), (Precision.FP16, False), (Precision.BF16, False)],
)
def test_attention_is_taken_apart_where_tensorrt_has_no_kernel(
    qwen3: Checkpoint, bert: Checkpoint, precision: Precision, *, decomposable: bool
) -> None:
    """In single precision, in TensorRT alone: elsewhere the attribute is unknown."""
    for checkpoint in (qwen3, bert):
        assert _decomposable(_tensorrt(checkpoint, precision)) == {decomposable}
    assert _decomposable(write_single(qwen3)) == {False}


def test_positions_are_as_many_as_asked_for(qwen3: Checkpoint) -> None:
    """Those of the largest bucket, not of the context, which may be far larger."""
    shapes = {
        tensor.name: list(tensor.dims)
        for tensor in _tensorrt(qwen3).graph.initializer
        if tensor.name.startswith("rotation")
    }
    assert shapes == {"rotation.cosines": [32, 8], "rotation.sines": [32, 8]}


@pytest.mark.parametrize("positions_max", [0, CONTEXT + 1])
def test_positions_that_the_model_does_not_know_are_refused(
    qwen3: Checkpoint, positions_max: int
) -> None:
    """It would answer, with vectors that nobody trained."""
    with pytest.raises(ValueError, match=f"the model knows 1..{CONTEXT} positions"):
        write_graph(
            qwen3,
            Precision.FP32,
            Form.PADDED,
            for_tensorrt=False,
            positions_max=positions_max,
        )


def test_there_is_no_packed_graph_but_for_tensorrt(qwen3: Checkpoint) -> None:
    """Its attention is TensorRT's own."""
    with pytest.raises(ValueError, match="only TensorRT"):
        write_graph(qwen3, Precision.FP32, Form.PACKED, for_tensorrt=False, positions_max=8)


def test_there_is_no_packed_bert(bert: Checkpoint) -> None:
    """Nobody asked for one."""
    with pytest.raises(ValueError, match="BERT has no packed graph"):
        _tensorrt(bert, form=Form.PACKED)


def test_no_graph_is_written_in_8_bits(qwen3: Checkpoint) -> None:
    """NVIDIA's optimizer makes it from one in bfloat16."""
    with pytest.raises(ValueError, match="no graph is written in fp8"):
        _tensorrt(qwen3, Precision.FP8)


def test_a_missing_shard_stops_the_load(qwen3: Checkpoint, tmp_path: Path) -> None:
    """A graph without its weights is an error at load, never zeros."""
    path = tmp_path / "model.onnx"
    path.write_bytes(write_single(qwen3).SerializeToString())
    with pytest.raises(onnx.checker.ValidationError, match=r"model-00001-of-00002"):
        onnx.load(str(path))
