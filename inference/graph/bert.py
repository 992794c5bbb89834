"""BERT as a sentence encoder: token ids in, the mean of all tokens as a unit vector out."""

from onnx import TensorProto

from inference import tensors
from inference.checkpoint.bert import BertConfig
from inference.graph import layers
from inference.graph.attention import Heads
from inference.graph.builder import GraphBuilder, Value
from inference.graph.padded import PaddedBatch
from inference.graph.unpadded import UnpaddedBatch

Batch = PaddedBatch | UnpaddedBatch


def write_bert(graph: GraphBuilder, config: BertConfig, batch: Batch) -> None:
    """Write the layers of a BERT checkpoint; the output is `embedding` float32 [rows, width].

    What is pooled is computed in single precision from there on.
    """
    x = _embed(graph, config, batch)
    for index in range(config.layers):
        x = _layer(graph, config, batch, x, f"encoder.layer.{index}")
    embedding = layers.unit_vectors(graph, batch.mean(graph, x))
    graph.output(tensors.EMBEDDING, embedding, TensorProto.FLOAT, ["rows", config.width])


def _embed(graph: GraphBuilder, config: BertConfig, batch: Batch) -> Value:
    """Sum the token's, its position's and the first segment's vectors."""
    name = "embeddings"
    # Depends on weights alone, so the engine folds the segment into the table of positions.
    segment = graph.rows_of(f"{name}.token_type_embeddings.weight", graph.integers(0))
    places = graph.node("Add", graph.weight(f"{name}.position_embeddings.weight"), segment)
    x = graph.node(
        "Add",
        graph.rows_of(f"{name}.word_embeddings.weight", batch.ids),
        graph.node("Gather", places, batch.positions),
    )
    return layers.layer_norm(graph, x, f"{name}.LayerNorm", config.norm_epsilon)


def _layer(graph: GraphBuilder, config: BertConfig, batch: Batch, x: Value, name: str) -> Value:
    """Attention, then the feed-forward network; each is added to its input and normalised."""
    attended = _attend(graph, config, batch, x, f"{name}.attention.self")
    attended = layers.biased_linear(graph, attended, f"{name}.attention.output.dense")
    x = _add_and_norm(graph, config, attended, x, f"{name}.attention.output.LayerNorm")
    inner = graph.node("Gelu", layers.biased_linear(graph, x, f"{name}.intermediate.dense"))
    outer = layers.biased_linear(graph, inner, f"{name}.output.dense")
    return _add_and_norm(graph, config, outer, x, f"{name}.output.LayerNorm")


def _attend(graph: GraphBuilder, config: BertConfig, batch: Batch, x: Value, name: str) -> Value:
    """Let every token attend to all real tokens of its own row."""
    names = [f"{name}.{part}" for part in ("query", "key", "value")]
    query, key, value = layers.joined_linear(graph, x, names)
    heads = Heads(config.heads, config.heads, config.width // config.heads)
    return batch.attend(graph, query, key, value, heads, causal=False)


def _add_and_norm(
    graph: GraphBuilder, config: BertConfig, change: Value, x: Value, name: str
) -> Value:
    return layers.layer_norm(graph, graph.node("Add", change, x), name, config.norm_epsilon)
