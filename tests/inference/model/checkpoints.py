"""Checkpoints made for tests: small, random, and damaged on demand."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from contract.models import ModelCard
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import TOKENIZER, WEIGHTS, KnownModel
from inference.graph.write import write_graph
from inference.variant import Form, Precision
from tests.inference.model.tiny_tokenizer import tiny_tokenizer

Arrays = dict[str, NDArray[np.float32]]
Stored = Mapping[str, NDArray[np.float32] | NDArray[np.uint16]]

VOCABULARY: Final = 50
CONTEXT: Final = 40
WIDTH: Final = 8
_FEED_FORWARD: Final = 16
_LAYERS: Final = 2

CONFIG: Final = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "num_hidden_layers": _LAYERS,
    "num_attention_heads": 2,
    "hidden_size": WIDTH,
    "intermediate_size": _FEED_FORWARD,
    "max_position_embeddings": CONTEXT,
    "vocab_size": VOCABULARY,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}


def safetensors_bytes(arrays: Stored) -> bytes:
    """Write arrays in the safetensors format; of 16 bits are those that `bfloat16_bits` made."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        dtype = "BF16" if array.dtype == np.uint16 else "F32"
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in arrays.values())


def bfloat16_bits(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round to the nearest bfloat16, of two the even one; numpy has no such numbers."""
    bits = array.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def tiny_arrays() -> Arrays:
    """Return the weights of a two-layer BERT, always the same."""
    random = np.random.default_rng(7)
    return {
        name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in _shapes().items()
    }


def write_tiny(folder: Path, arrays: Arrays | None = None) -> KnownModel:
    """Write a whole checkpoint folder and return what pins it."""
    weights = safetensors_bytes(tiny_arrays() if arrays is None else arrays)
    (folder / WEIGHTS).write_bytes(weights)
    (folder / TOKENIZER).write_bytes(tokenizer := tiny_tokenizer())
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return KnownModel(
        card=ModelCard("tests/tiny", (), CONTEXT, 2, WIDTH, VOCABULARY, 0, "tests"),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        tokenizer_sha256=hashlib.sha256(tokenizer).hexdigest(),
    )


def write_padded(folder: Path, *, for_tensorrt: bool = False) -> ModelProto:
    """Write a checkpoint's graph in single precision, for all its positions."""
    checkpoint = Checkpoint.open(folder)
    return write_graph(
        checkpoint,
        Precision.FP32,
        Form.PADDED,
        for_tensorrt=for_tensorrt,
        positions_max=checkpoint.config.context_tokens,
    )


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (VOCABULARY, WIDTH),
        "embeddings.position_embeddings.weight": (CONTEXT, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    shapes |= _norm("embeddings.LayerNorm")
    for layer in (f"encoder.layer.{index}" for index in range(_LAYERS)):
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _linear(f"{layer}.attention.{part}", WIDTH, WIDTH)
        shapes |= _norm(f"{layer}.attention.output.LayerNorm")
        shapes |= _linear(f"{layer}.intermediate.dense", WIDTH, _FEED_FORWARD)
        shapes |= _linear(f"{layer}.output.dense", _FEED_FORWARD, WIDTH)
        shapes |= _norm(f"{layer}.output.LayerNorm")
    return shapes


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}


def _linear(name: str, width_in: int, width_out: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width_out, width_in), f"{name}.bias": (width_out,)}
