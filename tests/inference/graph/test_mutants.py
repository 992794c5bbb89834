"""Each is a mistake that someone made somewhere; the comparison with transformers notices it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper, numpy_helper

from inference.checkpoint.folder import Checkpoint
from tests.inference.graph.conftest import References, Texts
from tests.inference.graph.run import embed, load, write_single
from tests.inference.graph.shapes import PUBLISHED

_ERROR_MAX: Final = 1e-5
_HEADS: Final = 4
_HEAD_WIDTH: Final = 16


def _of_type(model: ModelProto, operator: str) -> list[NodeProto]:
    return [node for node in model.graph.node if node.op_type == operator]


def _set(node: NodeProto, name: str, value: float) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def _norms(model: ModelProto, name: str) -> list[NodeProto]:
    found = _of_type(model, "RMSNormalization")
    return [node for node in found if node.input[1].split(".")[-2] == name]


def _not_causal(model: ModelProto) -> None:
    for node in _of_type(model, "Attention"):
        _set(node, "is_causal", 0)


def _neighbours_are_turned_together(model: ModelProto) -> None:
    for node in _of_type(model, "RotaryEmbedding"):
        _set(node, "interleaved", 1)


def _all_at_position_0(model: ModelProto) -> None:
    (places,) = _of_type(model, "Expand")
    zero = numpy_helper.from_array(np.zeros((1, 1), dtype=np.int64), "zero")
    model.graph.initializer.append(zero)
    places.input[0] = "zero"


def _without(name: str) -> Callable[[ModelProto], None]:
    def mutate(model: ModelProto) -> None:
        ones = numpy_helper.from_array(np.ones(_HEAD_WIDTH, dtype=np.float32), "ones")
        model.graph.initializer.append(ones)
        for node in _norms(model, name):
            node.input[1] = "ones"

    return mutate


def _other_epsilon(name: str) -> Callable[[ModelProto], None]:
    def mutate(model: ModelProto) -> None:
        for node in _norms(model, name):
            _set(node, "epsilon", 1e-5)

    return mutate


def _last_but_one(model: ModelProto) -> None:
    (last,) = _of_type(model, "Sub")
    two = numpy_helper.from_array(np.array(2, dtype=np.int64), "two")
    model.graph.initializer.append(two)
    last.input[1] = "two"


def _last_of_the_padding(model: ModelProto) -> None:
    (last,) = _of_type(model, "Sub")
    (longest,) = [node for node in _of_type(model, "Gather") if node.input[0].startswith("Shape")]
    node = helper.make_node("Max", [last.input[0], longest.output[0]], ["everywhere"])
    model.graph.node.insert(list(model.graph.node).index(last), node)
    last.input[0] = "everywhere"


def _heads_take_turns(model: ModelProto) -> None:
    """Query head i gets the keys of i modulo their number, not of i divided by the group."""
    order = np.arange(_HEADS).reshape(2, -1).T.flatten()
    for name, array in {
        "heads": np.array([0, 0, _HEADS, _HEAD_WIDTH]),
        "joined": np.array([0, 0, _HEADS * _HEAD_WIDTH]),
        "order": order,
        "back": np.argsort(order),
    }.items():
        model.graph.initializer.append(numpy_helper.from_array(array.astype(np.int64), name))
    for index, node in enumerate(_of_type(model, "Attention")):
        place = list(model.graph.node).index(node)
        into, out = f"into{index}", f"out{index}"
        after = _reorder(out, node.output[0], "back")
        before = _reorder(node.input[0], into, "order")
        node.input[0], node.output[0] = into, out
        for each in reversed(after):
            model.graph.node.insert(place + 1, each)
        for each in reversed(before):
            model.graph.node.insert(place, each)


def _reorder(value: str, result: str, order: str) -> list[NodeProto]:
    return [
        helper.make_node("Reshape", [value, "heads"], [f"{result}.split"]),
        helper.make_node("Gather", [f"{result}.split", order], [f"{result}.moved"], axis=2),
        helper.make_node("Reshape", [f"{result}.moved", "joined"], [result]),
    ]


def _gate_and_input_swapped(model: ModelProto) -> None:
    producers = {node.output[0]: node for node in model.graph.node}
    gates = [producers[node.input[0]] for node in _of_type(model, "Sigmoid")]
    for gate in gates:
        place = list(model.graph.node).index(gate)
        up = next(node for node in list(model.graph.node)[place + 1 :] if node.op_type == "MatMul")
        gate_weight, up_weight = producers[gate.input[1]], producers[up.input[1]]
        gate_weight.input[0], up_weight.input[0] = up_weight.input[0], gate_weight.input[0]


def _residual_is_the_normed(model: ModelProto) -> None:
    add = _of_type(model, "Add")[0]
    norm = next(node for node in _of_type(model, "RMSNormalization") if add.input[0] in node.input)
    add.input[0] = norm.output[0]


def _not_normalised(model: ModelProto) -> None:
    (where,) = _of_type(model, "Where")
    (divided,) = _of_type(model, "Div")
    where.input[1] = divided.input[0]


_MUTATIONS: Final[dict[str, Callable[[ModelProto], None]]] = {
    "as written": lambda _: None,
    "not causal": _not_causal,
    "neighbours are turned together": _neighbours_are_turned_together,
    "all at position 0": _all_at_position_0,
    "no norm of queries": _without("q_norm"),
    "no norm of keys": _without("k_norm"),
    "epsilon of queries": _other_epsilon("q_norm"),
    "epsilon of keys": _other_epsilon("k_norm"),
    "epsilon before attention": _other_epsilon("input_layernorm"),
    "epsilon after attention": _other_epsilon("post_attention_layernorm"),
    "last but one": _last_but_one,
    "last of the padding": _last_of_the_padding,
    "heads take turns": _heads_take_turns,
    "gate and input swapped": _gate_and_input_swapped,
    "residual is the normed": _residual_is_the_normed,
    "not normalised": _not_normalised,
}


@pytest.mark.parametrize("mutation", _MUTATIONS)
def test_a_mistake_in_the_graph_is_noticed(
    checkpoints: dict[str, Checkpoint], texts: Texts, references: References, mutation: str
) -> None:
    """The comparison passes for the graph as written, and for none of its mutants."""
    model = write_single(checkpoints[PUBLISHED])
    _MUTATIONS[mutation](model)
    agrees = _agrees(checkpoints[PUBLISHED], model, texts, references)
    assert agrees == (mutation == "as written")


@pytest.mark.parametrize(
    "change",
    [{"rope_theta": 10_000.0}, {"rope_theta": 999_000.0}, {"norm_epsilon": 1e-5}, {"layers": 1}],
)
def test_a_wrong_number_in_the_configuration_is_noticed(
    checkpoints: dict[str, Checkpoint],
    texts: Texts,
    references: References,
    change: dict[str, Any],
) -> None:
    """The graph's constants are the configuration's."""
    checkpoint = checkpoints[PUBLISHED]
    other = replace(checkpoint, config=replace(checkpoint.config, **change))
    assert not _agrees(checkpoint, write_single(other), texts, references)


def _agrees(
    checkpoint: Checkpoint, model: ModelProto, texts: Texts, references: References
) -> bool:
    session = load(model, checkpoint.folder, "mutant.onnx")
    places = [place for place, text in enumerate(texts.ended) if 1 < len(text) < 70]
    ours = embed(session, [texts.ended[place] for place in places])
    error = np.abs(ours - references.ended[PUBLISHED][places]).max()
    return bool(error <= _ERROR_MAX)
