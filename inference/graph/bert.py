"""BERT as a sentence encoder: token ids in, mean-pooled unit vectors out, in single precision."""

from collections.abc import Mapping

import onnx
from onnx import TensorProto

from inference import tensors
from inference.checkpoint.bert import BertConfig
from inference.checkpoint.safetensors import Tensor
from inference.graph import layers
from inference.graph.builder import GraphBuilder, Value
from inference.graph.packing import Packing


def write_bert(
    config: BertConfig, weights: Mapping[str, Tensor], weights_file: str
) -> onnx.ModelProto:
    """Write the graph of a BERT checkpoint.

    Inputs are `input_ids` int32 [rows, longest], padded on the right with any valid id, and
    `lengths` int32 [rows], each 1..longest; the output is `embedding` float32 [rows, width].

    Raises:
        CheckpointError: a tensor is missing or has another shape.
    """
    graph = GraphBuilder(weights, weights_file)
    ids = graph.input(tensors.INPUT_IDS, TensorProto.INT32, ["rows", "longest"])
    lengths = graph.input(tensors.LENGTHS, TensorProto.INT32, ["rows"])
    packing = Packing.of(graph, ids, lengths)
    x = _embed(graph, config, packing, ids)
    for index in range(config.layers):
        x = _layer(graph, config, packing, x, f"encoder.layer.{index}")
    embedding = layers.unit_vectors(graph, packing.mean(graph, x))
    graph.output(tensors.EMBEDDING, embedding, TensorProto.FLOAT, ["rows", config.width])
    return graph.model("bert")


def _embed(graph: GraphBuilder, config: BertConfig, packing: Packing, ids: Value) -> Value:
    """Sum the token's, its position's and the first segment's vectors, [tokens, width]."""
    name, width = "embeddings", config.width
    words = graph.weight(f"{name}.word_embeddings.weight", config.vocabulary_size, width)
    places = graph.weight(f"{name}.position_embeddings.weight", config.context_tokens, width)
    segments = graph.weight(f"{name}.token_type_embeddings.weight", config.token_types, width)
    # Depends on weights alone, so the runtime folds the segment into the table of positions.
    places = graph.node("Add", places, graph.node("Gather", segments, graph.integers(0)))
    x = graph.node(
        "Add",
        graph.node("Gather", words, packing.pack_ids(graph, ids)),
        graph.node("Gather", places, packing.positions(graph)),
    )
    return layers.layer_norm(graph, x, f"{name}.LayerNorm", width, config.norm_epsilon)


def _layer(graph: GraphBuilder, config: BertConfig, packing: Packing, x: Value, name: str) -> Value:
    """Attention, then the feed-forward network; each is added to its input and normalised."""
    width, epsilon = config.width, config.norm_epsilon
    attended = layers.linear(
        graph,
        _attend(graph, config, packing, x, f"{name}.attention.self"),
        f"{name}.attention.output.dense",
        width,
        width,
    )
    x = graph.node("Add", attended, x)
    x = layers.layer_norm(graph, x, f"{name}.attention.output.LayerNorm", width, epsilon)
    inner = layers.linear(graph, x, f"{name}.intermediate.dense", width, config.feed_forward_width)
    outer = layers.linear(
        graph, graph.node("Gelu", inner), f"{name}.output.dense", config.feed_forward_width, width
    )
    x = graph.node("Add", outer, x)
    return layers.layer_norm(graph, x, f"{name}.output.LayerNorm", width, epsilon)


def _attend(
    graph: GraphBuilder, config: BertConfig, packing: Packing, x: Value, name: str
) -> Value:
    """Let every token attend to all real tokens of its own sequence, [tokens, width]."""
    names = [f"{name}.{part}" for part in ("query", "key", "value")]
    parts = layers.joined_linear(graph, x, names, config.width, config.width)
    query, key, value = (packing.unpack(graph, part) for part in parts)
    no_mask, no_past_key, no_past_value = "", "", ""
    attended = graph.node(
        "Attention",
        query,
        key,
        value,
        no_mask,
        no_past_key,
        no_past_value,
        packing.lengths,
        q_num_heads=config.heads,
        kv_num_heads=config.heads,
    )
    return packing.pack(graph, attended, config.width)
