"""The small Qwen3 models that are compared with transformers, each different from the others."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.inference.model.qwen3_checkpoint import write_qwen3

PUBLISHED: Final = "as published"
BFLOAT16: Final = "in bfloat16"

SHAPES: Final[dict[str, Callable[[Path], Path]]] = {
    PUBLISHED: write_qwen3,
    "heads wider than the model, one for keys": partial(
        write_qwen3,
        changes={
            "head_dim": 32,
            "num_hidden_layers": 3,
            "num_key_value_heads": 1,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
        },
        prefix="model.",
    ),
    "a key head for each, three shards": partial(
        write_qwen3,
        changes={
            "head_dim": 8,
            "hidden_size": 96,
            "num_attention_heads": 6,
            "num_key_value_heads": 6,
            "rms_norm_eps": 1e-3,
        },
        shards=3,
    ),
    BFLOAT16: partial(
        write_qwen3, changes={"num_attention_heads": 8, "head_dim": 24}, dtype="BF16"
    ),
}
