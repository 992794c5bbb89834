"""The graph computes what the reference does, and the tests would notice if it did not."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from inference.checkpoint.known import packaged_checkpoint
from inference.engine.encoder import Encoder
from inference.engine.rows import Ids, Vectors
from tests.golden.vectors import BATCH_COSINE_MIN, COSINE_MIN, ERROR_MAX, Golden
from tests.inference.model.checkpoints import CONTEXT, VOCABULARY, write_padded, write_tiny

_BATCH: Final = 8
_GRAPH: Final = "triton/embedder/1/model.onnx"


def _agrees(ours: NDArray[np.float32], golden: list[Golden]) -> bool:
    theirs = np.stack([item.vector for item in golden])
    cosines = (ours * theirs).sum(axis=1)
    return bool(cosines.min() >= COSINE_MIN and np.abs(ours - theirs).max() <= ERROR_MAX)


def test_the_graph_is_valid_onnx(repository: Path) -> None:
    """ONNX's own checker accepts it, with strict shape inference."""
    onnx.checker.check_model(str(repository / _GRAPH), full_check=True)


def test_the_graph_holds_no_weights(repository: Path) -> None:
    """Weights stay where their authors put them; the graph refers to their extents."""
    model = onnx.load(str(repository / _GRAPH), load_external_data=False)
    own = [tensor for tensor in model.graph.initializer if not tensor.external_data]
    assert max(np.prod(tensor.dims, dtype=int) for tensor in own) < 10


def test_each_text_alone_gives_the_reference_vector(encoder: Encoder, golden: list[Golden]) -> None:
    """Short, long, one character, CJK, emoji, right to left, 512 tokens: all within tolerance."""
    vectors = np.concatenate([encoder.embed([item.ids]) for item in golden])
    assert _agrees(vectors, golden)


@pytest.mark.parametrize("size", [2, 7, 45])
@pytest.mark.parametrize("order", ["as listed", "by length", "shuffled"])
def test_any_batch_gives_the_reference_vectors(
    encoder: Encoder, golden: list[Golden], size: int, order: str
) -> None:
    """A vector does not depend on its neighbours, nor on its place among them."""
    items = list(golden)
    if order == "by length":
        items.sort(key=lambda item: len(item.ids))
    elif order == "shuffled":
        items = [golden[i] for i in np.random.default_rng(size).permutation(len(golden))]
    for start in range(0, len(items), size):
        batch = items[start : start + size]
        assert _agrees(encoder.embed([item.ids for item in batch]), batch)


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """A small random model, to try many batches on."""
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny(folder)
    (folder / "model.onnx").write_bytes(write_padded(folder).SerializeToString())
    return Encoder.load(folder / "model.onnx", threads=1)


_SEQUENCES = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=CONTEXT).map(
    lambda ids: np.array(ids, dtype=np.int32)
)


@given(batch=st.lists(_SEQUENCES, min_size=1, max_size=6))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_vector_is_the_same_alone_or_in_any_batch(
    tiny_encoder: Encoder, batch: list[Ids]
) -> None:
    """The promise made to customers, over arbitrary lengths."""
    alone = np.concatenate([tiny_encoder.embed([sequence]) for sequence in batch])
    together = tiny_encoder.embed(batch)
    assert (alone * together).sum(axis=1).min() >= BATCH_COSINE_MIN
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_the_graph_for_tensorrt_gives_the_same_vectors(
    repository: Path, golden: list[Golden]
) -> None:
    """There the padding stays, because sizes must not depend on data; nothing looks at it."""
    folder = (repository / _GRAPH).parent.resolve()
    model = write_padded(packaged_checkpoint(), for_tensorrt=True)
    for node in _of_type(model, "Attention"):
        _unset(node, "TRT_decomposable")
    short = [item for item in golden if len(item.ids) <= 40]
    assert _agrees(_run(folder, "padded.onnx", model, short), short)


# ---- mutants: each is a mistake that someone made somewhere, and must fail the golden test ----


def _of_type(model: ModelProto, operator: str) -> list[NodeProto]:
    return [node for node in model.graph.node if node.op_type == operator]


def _set(node: NodeProto, name: str, value: float | str) -> None:
    _unset(node, name)
    node.attribute.append(helper.make_attribute(name, value))


def _unset(node: NodeProto, name: str) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


def _coarse_epsilon(model: ModelProto) -> None:
    for node in _of_type(model, "LayerNormalization"):
        _set(node, "epsilon", 1e-3)


def _approximate_gelu(model: ModelProto) -> None:
    for node in _of_type(model, "Gelu"):
        _set(node, "approximate", "tanh")


def _fewer_heads(model: ModelProto) -> None:
    for node in _of_type(model, "Attention"):
        _set(node, "q_num_heads", 6)
        _set(node, "kv_num_heads", 6)


def _causal(model: ModelProto) -> None:
    for node in _of_type(model, "Attention"):
        _set(node, "is_causal", 1)


def _attention_sees_padding(model: ModelProto) -> None:
    for node in _of_type(model, "Attention"):
        del node.input[3:]


def _pooling_counts_padding(model: ModelProto) -> None:
    weights = next(
        node
        for node in _of_type(model, "Cast")
        if node.input[0].startswith("Less") and node.attribute[0].i == TensorProto.FLOAT
    )
    real = weights.input[0]
    everywhere = helper.make_node("Or", [real, "padding"], ["everywhere"])
    place = list(model.graph.node).index(weights)
    model.graph.node.insert(place, everywhere)
    model.graph.node.insert(place, helper.make_node("Not", [real], ["padding"]))
    weights.input[0] = "everywhere"


def _no_normalisation(model: ModelProto) -> None:
    *_, last = _of_type(model, "Div")
    (output,) = _of_type(model, "Identity")
    output.input[0] = last.input[0]


def _no_residual(model: ModelProto) -> None:
    norm = _of_type(model, "LayerNormalization")[-1]
    residual = next(node for node in model.graph.node if node.output[0] == norm.input[0])
    norm.input[0] = residual.input[0]


_MUTATIONS = [
    _coarse_epsilon,
    _approximate_gelu,
    _fewer_heads,
    _causal,
    _attention_sees_padding,
    _pooling_counts_padding,
    _no_normalisation,
    _no_residual,
]


def _run(folder: Path, name: str, model: ModelProto, golden: list[Golden]) -> Vectors:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    encoder = Encoder.load(path, threads=2)
    short = [item.ids for item in golden]
    parts = [encoder.embed(short[i : i + _BATCH]) for i in range(0, len(short), _BATCH)]
    return np.concatenate(parts)


@pytest.mark.parametrize("mutate", [None, *_MUTATIONS])
def test_a_mistake_in_the_graph_is_noticed(
    repository: Path, golden: list[Golden], mutate: Callable[[ModelProto], None] | None
) -> None:
    """The golden vectors pass for the graph as written, and for none of its mutants."""
    folder = (repository / _GRAPH).parent.resolve()
    model = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    if mutate is not None:
        mutate(model)
    short = [item for item in golden if len(item.ids) <= 40]
    vectors = _run(folder, "mutant.onnx", model, short)
    assert _agrees(vectors, short) == (mutate is None)


def test_a_missing_weights_file_stops_the_load(tmp_path: Path, repository: Path) -> None:
    """A graph without its weights is an error at load, never zeros."""
    (tmp_path / "model.onnx").write_bytes((repository / _GRAPH).read_bytes())
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
        Encoder.load(tmp_path / "model.onnx", threads=1)
