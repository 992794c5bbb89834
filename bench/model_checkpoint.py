"""Writes a checkpoint of any shape, with random weights in bfloat16, as fast as the disk takes."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from bench.model_shape import config_fields
from inference.checkpoint.qwen3 import Qwen3Config

_SHARD_BYTES: Final = 4 * 2**30
_SPREAD: Final = 0.02
"""Of the weights, as such models are initialised."""
_NORM_SPREAD: Final = 0.1
_DRAWN_MAX: Final = 2**24 + 43
"""Numbers drawn at most, then they begin again; a prime, so that no two rows come out alike."""

Shapes = Mapping[str, tuple[int, ...]]
Floats = NDArray[np.float32]


def write_checkpoint(
    folder: Path, config: Qwen3Config, *, seed: int = 1, shard_bytes: int = _SHARD_BYTES
) -> None:
    """Write the folder as Hugging Face lays it out; takes no more memory than the drawn numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_fields(config), indent=2))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(config.vocabulary_size)))
    shards = _cut(config.shapes(), shard_bytes)
    names = [f"model-{n:05}-of-{len(shards):05}.safetensors" for n in range(1, len(shards) + 1)]
    numbers = _Numbers(seed, sum(math.prod(shape) for shape in config.shapes().values()))
    for name, shapes in zip(names, shards, strict=True):
        _write_shard(folder / name, shapes, numbers)
    places = {tensor: name for name, each in zip(names, shards, strict=True) for tensor in each}
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def count_bytes(config: Qwen3Config) -> int:
    """Return how much of a disk the weights take."""
    return 2 * sum(math.prod(shape) for shape in config.shapes().values())


class _Numbers:
    """Random numbers around 0 as bytes of bfloat16, in an endless stream."""

    def __init__(self, seed: int, wanted: int) -> None:
        self._random = np.random.default_rng(seed)
        drawn = self._random.standard_normal(min(wanted, _DRAWN_MAX), dtype=np.float32)
        self._stream = _to_bfloat16(drawn * _SPREAD).data.cast("B")
        self._place = 0

    def write(self, count: int, file: BinaryIO) -> None:
        """Write the next so many numbers."""
        missing = count * 2
        while missing:
            piece = self._stream[self._place : self._place + missing]
            file.write(piece)
            missing -= len(piece)
            self._place = (self._place + len(piece)) % len(self._stream)

    def write_norm(self, count: int, file: BinaryIO) -> None:
        """Write the weights of a normalisation, which are around 1."""
        drawn = self._random.standard_normal(count, dtype=np.float32)
        file.write(_to_bfloat16(1 + drawn * _NORM_SPREAD).tobytes())


def _cut(shapes: Shapes, bytes_max: int) -> list[dict[str, tuple[int, ...]]]:
    """Spread tensors over as many shards as it takes; a larger tensor has one of its own."""
    shards: list[dict[str, tuple[int, ...]]] = [{}]
    taken = 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        if shards[-1] and taken + size > bytes_max:
            shards.append({})
            taken = 0
        shards[-1][name] = shape
        taken += size
    return shards


def _write_shard(path: Path, shapes: Shapes, numbers: _Numbers) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes.values():
            write = numbers.write if len(shape) > 1 else numbers.write_norm
            write(math.prod(shape), file)


def _to_bfloat16(numbers: Floats) -> NDArray[np.uint16]:
    """Round to the nearest, and of two to the even."""
    bits = numbers.view(np.uint32)
    odd = (bits >> 16) & 1
    return ((bits + 0x7FFF + odd) >> 16).astype(np.uint16)


def _tokenizer(vocabulary_size: int) -> dict[str, object]:
    """Return a tokenizer of words `w0`, `w1`, …, which puts the last token behind each text."""
    end = vocabulary_size - 1
    words = {f"w{number}": number for number in range(end)} | {"<|endoftext|>": end}
    piece = {"id": end, "content": "<|endoftext|>", "special": True}
    piece |= dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    last = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [piece],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [text, last],
            "pair": [text, last, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                "<|endoftext|>": {"id": "<|endoftext|>", "ids": [end], "tokens": ["<|endoftext|>"]}
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"},
    }
