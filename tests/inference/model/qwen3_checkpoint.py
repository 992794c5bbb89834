"""Qwen3 checkpoints made for tests: random weights in the format that their authors publish."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np

from inference.checkpoint.json_file import JsonFile
from inference.checkpoint.qwen3 import Qwen3Config
from tests.inference.model.checkpoints import Arrays, bfloat16_bits, safetensors_bytes
from tests.inference.model.tiny_tokenizer import tiny_tokenizer

VOCABULARY: Final = 300
END_ID: Final = VOCABULARY - 1
"""What the tokenizer's post-processor puts behind every text."""
CONTEXT: Final = 640

QWEN3: Final[Mapping[str, object]] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "attention_bias": False,
    "head_dim": 16,
    "hidden_act": "silu",
    "hidden_size": 64,
    "intermediate_size": 96,
    "max_position_embeddings": CONTEXT,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": VOCABULARY,
}

Dtype = Literal["F32", "BF16"]


def write_qwen3(
    folder: Path,
    changes: Mapping[str, object] | None = None,
    *,
    dtype: Dtype = "F32",
    prefix: str = "",
    shards: int = 1,
) -> Path:
    """Write a whole checkpoint folder, the same for the same arguments, and return it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**QWEN3, **(changes or {})}))
    (folder / "tokenizer.json").write_bytes(tiny_tokenizer())
    write_weights(folder, random_arrays(folder), dtype=dtype, prefix=prefix, shards=shards)
    return folder


def random_arrays(folder: Path) -> Arrays:
    """Return weights for a folder's configuration.

    They are large enough that attention matters, but small enough before each norm that its epsilon
    does too.
    """
    random = np.random.default_rng(5)
    arrays: Arrays = {}
    for name, shape in Qwen3Config.parse(JsonFile.read(folder / "config.json")).shapes().items():
        if name.endswith("norm.weight"):
            array = 1 + 0.3 * random.standard_normal(shape)
        elif name == "embed_tokens.weight":
            array = 0.05 * random.standard_normal(shape)
        elif name.endswith(("q_proj.weight", "k_proj.weight")):
            array = 0.1 * random.standard_normal(shape) / shape[1] ** 0.5
        else:
            array = 1.3 * random.standard_normal(shape) / shape[1] ** 0.5
        arrays[name] = array.astype(np.float32)
    return arrays


def write_weights(
    folder: Path, arrays: Arrays, *, dtype: Dtype = "F32", prefix: str = "", shards: int = 1
) -> None:
    """Write arrays as one file, or as several with an index."""
    stored = {
        prefix + name: bfloat16_bits(array) if dtype == "BF16" else array
        for name, array in arrays.items()
    }
    if shards == 1:
        (folder / "model.safetensors").write_bytes(safetensors_bytes(stored))
        return
    index: dict[str, str] = {}
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = dict(list(stored.items())[number::shards])
        (folder / file).write_bytes(safetensors_bytes(part))
        index |= dict.fromkeys(part, file)
    listed = {"metadata": {}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(listed))
