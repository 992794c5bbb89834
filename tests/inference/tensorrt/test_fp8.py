"""FP8: what it changes in a graph, and what that does to vectors."""

from collections import Counter
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.checkpoint.folder import Checkpoint
from inference.golden import COSINE_MIN
from inference.graph.fp8 import quantize
from inference.graph.linears import find_linears
from inference.graph.scales import Reach, Scales, ScalesError
from inference.graph.write import write_graph
from inference.variant import Form, Precision
from tests.inference.model.checkpoints import write_tiny
from tests.inference.tensorrt.conftest import POSITIONS
from tests.inference.tensorrt.session import Vectors, embed

_ROWS = [
    np.random.default_rng(length).integers(0, 300, length).tolist() for length in range(1, 200, 7)
]


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint) -> onnx.ModelProto:
    """The graph in single precision, which ONNX Runtime runs."""
    return write_graph(
        checkpoint, Precision.FP32, Form.PADDED, for_tensorrt=False, positions_max=POSITIONS
    )


@pytest.fixture(scope="module")
def exact(model: onnx.ModelProto, checkpoint: Checkpoint) -> Vectors:
    """The vectors in single precision."""
    return embed(model, checkpoint.folder, _ROWS)


def _scales(reaches: dict[str, Reach], factor: float = 1) -> Scales:
    return Scales(
        "revision",
        "tests",
        {name: Reach(each.input * factor, each.weight) for name, each in reaches.items()},
    )


def test_vectors_in_fp8_are_close_to_exact_ones(
    model: onnx.ModelProto, checkpoint: Checkpoint, reaches: dict[str, Reach], exact: Vectors
) -> None:
    """FP8's own bar, which what is served is held against too; and they are not the same."""
    rounded = embed(quantize(model, _scales(reaches)), checkpoint.folder, _ROWS)
    cosines = (exact * rounded).sum(axis=1)
    assert COSINE_MIN[Precision.FP8] <= cosines.min() < 0.9999


def test_inputs_that_are_cut_off_miss_the_bar(
    model: onnx.ModelProto, checkpoint: Checkpoint, reaches: dict[str, Reach], exact: Vectors
) -> None:
    """So the bar tells scales of this checkpoint from others: a quarter of the reach is enough."""
    cut = embed(quantize(model, _scales(reaches, 1 / 4)), checkpoint.folder, _ROWS)
    assert (exact * cut).sum(axis=1).min() < COSINE_MIN[Precision.FP8]


def test_rounding_is_that_of_e4m3() -> None:
    """Bit for bit what another implementation rounds to, also beyond the reach."""
    random = np.random.default_rng(3)
    x = random.normal(0, 2, (5, 32)).astype(np.float32)
    weight = random.normal(0, 0.1, (16, 32)).astype(np.float32)
    reach = Reach(input=4.0, weight=float(np.abs(weight).max()))
    model = quantize(_one_linear(weight), Scales("", "", {"weight": reach}))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"x": x})
    expected = _e4m3(x, reach.input) @ _e4m3(weight, reach.weight).T
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_every_multiplication_by_weights_is_in_fp8(
    model: onnx.ModelProto, reaches: dict[str, Reach]
) -> None:
    """On both sides; layers that read the same input read the same rounded one."""
    graph = quantize(model, _scales(reaches)).graph
    made_by = {node.output[0]: node.op_type for node in graph.node}
    products = [node for node in graph.node if node.op_type == "MatMul"]
    assert [made_by[name] for node in products for name in node.input] == (
        ["DequantizeLinear"] * 2 * 7
    )
    assert Counter(node.input[0] for node in products).most_common(1)[0][1] == 3


def test_weights_stay_where_they_are(model: onnx.ModelProto, reaches: dict[str, Reach]) -> None:
    """The graph still points into the checkpoint, and the one it was made from is untouched."""
    before = model.SerializeToString(deterministic=True)
    graph = quantize(model, _scales(reaches)).graph
    assert model.SerializeToString(deterministic=True) == before
    kept = {each.name: each.SerializeToString() for each in graph.initializer}
    assert all(
        kept[each.name] == each.SerializeToString()
        for each in model.graph.initializer
        if each.external_data
    )


def test_scales_are_in_the_precision_of_the_layer(
    checkpoint: Checkpoint, reaches: dict[str, Reach]
) -> None:
    """What is multiplied back has their type, and must be what the next layer computes in."""
    model = write_graph(
        checkpoint, Precision.BF16, Form.PADDED, for_tensorrt=True, positions_max=POSITIONS
    )
    graph = quantize(model, _scales(reaches)).graph
    types = {each.data_type for each in graph.initializer if each.name.endswith(".scale")}
    assert types == {TensorProto.BFLOAT16}
    onnx.shape_inference.infer_shapes(
        quantize(model, _scales(reaches)), check_type=True, strict_mode=True
    )


def test_a_layer_without_a_scale_is_named(
    model: onnx.ModelProto, reaches: dict[str, Reach]
) -> None:
    """One that was left in bfloat16 would be found by nobody."""
    name = "layers.0.mlp.up_proj.weight"
    some = {key: value for key, value in reaches.items() if key != name}
    with pytest.raises(ScalesError, match=name):
        quantize(model, _scales(some))


def test_only_multiplications_by_weights_are_linear_layers(tmp_path: Path) -> None:
    """BERT's mean is a multiplication too; and weights side by side are one layer."""
    write_tiny(tmp_path)
    model = write_graph(
        Checkpoint.open(tmp_path), Precision.FP32, Form.PADDED, for_tensorrt=True, positions_max=40
    )
    products = [node for node in model.graph.node if node.op_type == "MatMul"]
    found = [linear.weights for linear in find_linears(model.graph)]
    assert len(found) == len(products) - 1
    name = "encoder.layer.0.attention.self"
    assert found[0] == (f"{name}.query.weight", f"{name}.key.weight", f"{name}.value.weight")


def test_what_is_partly_computed_is_no_weight() -> None:
    """Its reach changes with what comes in."""
    model = _one_linear(np.ones((4, 4), dtype=np.float32))
    model.graph.node.insert(0, helper.make_node("Concat", ["weight", "x"], ["both"], axis=0))
    model.graph.node[1].input[0] = "both"
    assert list(find_linears(model.graph)) == []


def test_scales_are_read_as_they_were_written(tmp_path: Path) -> None:
    """For the checkpoint that they were measured for."""
    scales = Scales("revision", "somebody", {"layer.weight": Reach(2.5, 0.1)})
    (tmp_path / "fp8.json").write_bytes(scales.dump())
    assert Scales.read(tmp_path / "fp8.json", "revision") == scales


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no"),
        (b"{}", "holds no scales"),
        (b"[]", "holds no scales"),
        (b'{"revision":"a","made_by":"","reaches":{"x":{"input":-1,"weight":1}}}', "no scales"),
        (b'{"revision":"a","made_by":"","reaches":{"x":{"input":"1","weight":1}}}', "no scales"),
        (b'{"revision":"b","made_by":"","reaches":{}}', "measured for checkpoint b, not a"),
    ],
    ids=["none", "empty", "no object", "negative", "text", "another checkpoint"],
)
def test_what_holds_no_scales_of_this_checkpoint_is_refused(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    """With the file's name."""
    if content is not None:
        (tmp_path / "fp8.json").write_bytes(content)
    with pytest.raises(ScalesError, match=told) as refusal:
        Scales.read(tmp_path / "fp8.json", "a")
    assert "fp8.json" in str(refusal.value)


def _one_linear(weight: Vectors) -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("Transpose", ["weight"], ["turned"], perm=[1, 0]),
            helper.make_node("MatMul", ["x", "turned"], ["y"]),
        ],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", weight.shape[1]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", weight.shape[0]])],
        [numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=11)


def _e4m3(x: Vectors, reach: float) -> Vectors:
    scale = np.float32(reach / 448)
    small = np.clip(x / scale, -448, 448).astype(ml_dtypes.float8_e4m3fn)
    return small.astype(np.float32) * scale
