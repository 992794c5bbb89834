"""TensorRT's packed attention, said in ONNX's own operators, so that a CPU can run the graph."""

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from inference import tensors


def spell_out(model: ModelProto) -> None:
    """Put ONNX's `Attention` in place of each `TRT_Attention`, with a mask of who may see whom.

    What is assumed of `TRT_Attention` is its documentation's: tokens [tokens, heads, width], rows
    bounded by cumulative lengths, no scale of its own.
    """
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(_mask(model))
    for node in nodes:
        model.graph.node.extend(_plain(node) if node.op_type == "TRT_Attention" else [node])


def _plain(node: NodeProto) -> list[NodeProto]:
    query, key, value, mask, query_lengths, kv_lengths = node.input
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    assert (mask, query_lengths, kv_lengths) == ("", tensors.QUERY_LENGTHS, tensors.KV_LENGTHS)
    assert attributes == {
        "query_form": b"packed_nhd",
        "kv_form": b"packed_nhd",
        "causal_kind": b"lower_right",
    }
    out, parts = node.output[0], {"query": query, "key": key, "value": value}
    rows = []
    for name, part in parts.items():
        swapped, row = f"{out}.{name}.swapped", f"{out}.{name}"
        rows.append(helper.make_node("Transpose", [part], [swapped], perm=[1, 0, 2]))
        rows.append(helper.make_node("Unsqueeze", [swapped, "axis 0"], [row]))
    inputs = [*(f"{out}.{name}" for name in parts), "mask"]
    return [
        *rows,
        helper.make_node("Attention", inputs, [f"{out}.heads"], scale=1.0),
        helper.make_node("Squeeze", [f"{out}.heads", "axis 0"], [f"{out}.row"]),
        helper.make_node("Transpose", [f"{out}.row"], [out], perm=[1, 0, 2]),
    ]


def _mask(model: ModelProto) -> list[NodeProto]:
    """Tell which token may see which, [tokens, tokens]: of its own row, and not behind it."""
    for name, number in {"axis 0": [0], "axis 1": [1], "zero": 0, "one": 1}.items():
        array = np.array(number, dtype=np.int64)
        model.graph.initializer.append(numpy_helper.from_array(array, name))

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:  # noqa: ANN401
        return helper.make_node(operator, inputs, [output], **attributes)

    return [
        node("Shape", [tensors.INPUT_IDS], "shape"),
        node("Squeeze", ["shape"], "count"),
        node("Range", ["zero", "count", "one"], "token"),
        node("Unsqueeze", ["token", "axis 1"], "seeing"),
        node("Unsqueeze", ["token", "axis 0"], "seen"),
        node("LessOrEqual", ["seen", "seeing"], "before"),
        # A token's row is how many bounds lie at or before it.
        node("Cast", [tensors.KV_LENGTHS], "bounds", to=TensorProto.INT64),
        node("LessOrEqual", ["bounds", "seeing"], "begun"),
        node("Cast", ["begun"], "ones", to=TensorProto.INT64),
        node("ReduceSum", ["ones", "axis 1"], "rows", keepdims=1),
        node("Transpose", ["rows"], "columns"),
        node("Equal", ["rows", "columns"], "together"),
        node("And", ["before", "together"], "mask"),
    ]
