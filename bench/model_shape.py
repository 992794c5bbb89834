"""The shapes of model that are measured, and what a token costs in each."""

from collections.abc import Mapping
from typing import Final

from inference.checkpoint.qwen3 import Qwen3Config

SHAPES: Final[Mapping[str, Qwen3Config]] = {
    "tiny": Qwen3Config(
        layers=3,
        heads=8,
        kv_heads=2,
        head_width=32,
        width=128,
        feed_forward_width=256,
        context_tokens=2048,
        vocabulary_size=1024,
        rope_theta=1e6,
        norm_epsilon=1e-6,
    ),
    "8b": Qwen3Config(  # Qwen3-Embedding-8B
        layers=36,
        heads=32,
        kv_heads=8,
        head_width=128,
        width=4096,
        feed_forward_width=12_288,
        context_tokens=32_768,
        vocabulary_size=151_665,
        rope_theta=1e6,
        norm_epsilon=1e-6,
    ),
}


def config_fields(config: Qwen3Config) -> dict[str, object]:
    """Return `config.json`, as the model's authors write it."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "hidden_act": "silu",
        "attention_bias": False,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_width,
        "hidden_size": config.width,
        "intermediate_size": config.feed_forward_width,
        "max_position_embeddings": config.context_tokens,
        "vocab_size": config.vocabulary_size,
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.norm_epsilon,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
    }


def flop_per_token(config: Qwen3Config, length: int) -> float:
    """Return the operations that a token of a sequence of `length` takes, on average.

    Two for each weight that it is multiplied by, and in attention four for each number of each
    head's query and each token before it, of which causal attention sees half.
    """
    weights = sum(
        rows * columns
        for name, (rows, columns) in _matrices(config).items()
        if name != "embed_tokens.weight"
    )
    attention = 2.0 * config.layers * config.heads * config.head_width * length
    return 2.0 * weights + attention


def _matrices(config: Qwen3Config) -> dict[str, tuple[int, int]]:
    shapes = config.shapes().items()
    return {name: (shape[0], shape[1]) for name, shape in shapes if len(shape) == 2}
