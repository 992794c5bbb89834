"""Qwen3 as an embedding model: token ids in, the last token's unit vector out."""

from onnx import TensorProto

from inference import tensors
from inference.checkpoint.qwen3 import Qwen3Config
from inference.graph import layers
from inference.graph.attention import Heads
from inference.graph.builder import GraphBuilder, Value
from inference.graph.packed import PackedBatch
from inference.graph.padded import PaddedBatch
from inference.graph.rotation import Rotation

Batch = PaddedBatch | PackedBatch


def write_qwen3(graph: GraphBuilder, config: Qwen3Config, batch: Batch, positions_max: int) -> None:
    """Write the layers of a Qwen3 checkpoint; the output is `embedding` float32 [rows, width].

    What is pooled is computed in single precision from there on.
    """
    rotation = Rotation.declare(
        graph, batch.positions, config.head_width, config.rope_theta, positions_max
    )
    x = graph.rows_of("embed_tokens.weight", batch.ids)
    for index in range(config.layers):
        x = _layer(graph, config, batch, rotation, x, f"layers.{index}")
    # Normalising works on single tokens, so only the last is normalised.
    pooled = layers.rms_norm(
        graph, batch.last(graph, x), graph.full_weight("norm.weight"), config.norm_epsilon
    )
    embedding = layers.unit_vectors(graph, pooled)
    graph.output(tensors.EMBEDDING, embedding, TensorProto.FLOAT, ["rows", config.width])


def _layer(
    graph: GraphBuilder, config: Qwen3Config, batch: Batch, rotation: Rotation, x: Value, name: str
) -> Value:
    """Attention, then the feed-forward network; each is given its input normalised, and added."""
    normed = _norm(graph, config, x, f"{name}.input_layernorm")
    attended = _attend(graph, config, batch, rotation, normed, f"{name}.self_attn")
    x = graph.node("Add", x, attended)
    normed = _norm(graph, config, x, f"{name}.post_attention_layernorm")
    return graph.node("Add", x, _feed_forward(graph, normed, f"{name}.mlp"))


def _attend(
    graph: GraphBuilder, config: Qwen3Config, batch: Batch, rotation: Rotation, x: Value, name: str
) -> Value:
    """Let every token attend to itself and those before it in its own row."""
    query = layers.linear(graph, x, f"{name}.q_proj")
    key = layers.linear(graph, x, f"{name}.k_proj")
    query = _norm_heads(graph, config, query, config.heads, f"{name}.q_norm")
    key = _norm_heads(graph, config, key, config.kv_heads, f"{name}.k_norm")
    attended = batch.attend(
        graph,
        rotation.turn(graph, query, config.heads),
        rotation.turn(graph, key, config.kv_heads),
        layers.linear(graph, x, f"{name}.v_proj"),
        Heads(config.heads, config.kv_heads, config.head_width),
        causal=True,
    )
    return layers.linear(graph, attended, f"{name}.o_proj")


def _norm_heads(graph: GraphBuilder, config: Qwen3Config, x: Value, heads: int, name: str) -> Value:
    """Normalise each head by itself, [rows, longest, heads * width]; 0 keeps a dimension."""
    split = graph.node("Reshape", x, graph.integers(0, 0, heads, config.head_width))
    normed = _norm(graph, config, split, name)
    return graph.node("Reshape", normed, graph.integers(0, 0, heads * config.head_width))


def _feed_forward(graph: GraphBuilder, x: Value, name: str) -> Value:
    """SwiGLU: one projection, through x * sigmoid(x), gates the other."""
    gate = layers.linear(graph, x, f"{name}.gate_proj")
    gate = graph.node("Mul", gate, graph.node("Sigmoid", gate))
    gated = graph.node("Mul", gate, layers.linear(graph, x, f"{name}.up_proj"))
    return layers.linear(graph, gated, f"{name}.down_proj")


def _norm(graph: GraphBuilder, config: Qwen3Config, x: Value, name: str) -> Value:
    return layers.rms_norm(graph, x, graph.weight(f"{name}.weight"), config.norm_epsilon)
