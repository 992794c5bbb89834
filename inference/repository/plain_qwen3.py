"""Qwen3 in NumPy, straight from its checkpoint and in single precision: what others are held to.

It is no engine: it shares no code with the graph or PyTorch, so no mistake of theirs is in it too.
It takes one matrix at a time, so a model of any size runs in about a gigabyte, and each weight is
read once for all sequences.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.progress import Advance

Floats = NDArray[np.float32]

_STORED: Final = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


class PlainQwen3:
    """One model; it keeps no weights."""

    def __init__(self, checkpoint: Checkpoint, config: Qwen3Config, advance: Advance) -> None:
        """`advance` is told of each weight's bytes as it is read."""
        self._checkpoint = checkpoint
        self._config = config
        self._advance = advance

    def embed(self, sequences: Sequence[Sequence[int]]) -> Floats:
        """Return the unit vectors [rows, width] of the sequences' last tokens."""
        config, lengths = self._config, [len(ids) for ids in sequences]
        bounds = [0, *accumulate(lengths)]
        turn = _rotations(config, np.concatenate([np.arange(length) for length in lengths]))
        x = self._read("embed_tokens.weight", np.concatenate([np.array(ids) for ids in sequences]))
        for index in range(config.layers):
            layer = f"layers.{index}"
            x = x + self._attend(
                layer, self._normalise(f"{layer}.input_layernorm", x), turn, bounds
            )
            x = x + self._feed(layer, self._normalise(f"{layer}.post_attention_layernorm", x))
        last = self._normalise("norm", x[np.array(bounds[1:]) - 1])
        vectors: Floats = last / np.linalg.norm(last, axis=1, keepdims=True)
        return vectors

    def _attend(
        self, layer: str, x: Floats, turn: tuple[Floats, Floats], bounds: Sequence[int]
    ) -> Floats:
        """Let each token look at its own sequence, up to itself."""
        config, part = self._config, f"{layer}.self_attn"
        query, key, value = (
            self._multiply(f"{part}.{name}_proj", x).reshape(len(x), -1, config.head_width)
            for name in "qkv"
        )
        query = _rotate(self._normalise(f"{part}.q_norm", query), turn)
        key = _rotate(self._normalise(f"{part}.k_norm", key), turn)
        shared = config.heads // config.kv_heads
        key, value = key.repeat(shared, axis=1), value.repeat(shared, axis=1)
        attended = np.empty_like(query)
        for begin, end in pairwise(bounds):
            rows = slice(begin, end)
            scores = np.einsum("qhw,khw->hqk", query[rows], key[rows], optimize=True)
            shares = _softmax(scores / np.float32(math.sqrt(config.head_width)))
            attended[rows] = np.einsum("hqk,khw->qhw", shares, value[rows], optimize=True)
        return self._multiply(f"{part}.o_proj", attended.reshape(len(x), -1))

    def _feed(self, layer: str, x: Floats) -> Floats:
        gate = self._multiply(f"{layer}.mlp.gate_proj", x)
        opened = gate / (1 + np.exp(-gate)) * self._multiply(f"{layer}.mlp.up_proj", x)
        return self._multiply(f"{layer}.mlp.down_proj", opened)

    def _multiply(self, name: str, x: Floats) -> Floats:
        return x @ self._read(f"{name}.weight").T

    def _normalise(self, name: str, x: Floats) -> Floats:
        mean = np.square(x).mean(axis=-1, keepdims=True)
        weight = self._read(f"{name}.weight")
        normalised: Floats = x / np.sqrt(mean + np.float32(self._config.norm_epsilon)) * weight
        return normalised

    def _read(self, name: str, rows: NDArray[np.int64] | None = None) -> Floats:
        """Return a weight, or some of its rows, in single precision."""
        tensor = self._checkpoint.tensors[name]
        path, stored = self._checkpoint.folder / tensor.file, _STORED[tensor.dtype]
        whole = np.memmap(path, stored, mode="r", offset=tensor.offset, shape=tensor.shape)
        self._advance(tensor.length)
        chosen = whole if rows is None else whole[rows]
        if tensor.dtype == "BF16":
            return (chosen.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return chosen.astype(np.float32)


def _rotations(config: Qwen3Config, positions: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the cosines and sines [tokens, 1, half a head] of each token's angles."""
    exponents = np.arange(0, config.head_width, 2) / config.head_width
    angles = np.outer(positions, config.rope_theta**-exponents)[:, np.newaxis]
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotate(heads: Floats, turn: tuple[Floats, Floats]) -> Floats:
    """Turn each pair of numbers, half a head apart, by its token's angle."""
    cosine, sine = turn
    left, right = np.split(heads, 2, axis=-1)
    return np.concatenate([left * cosine - right * sine, right * cosine + left * sine], axis=-1)


def _softmax(scores: Floats) -> Floats:
    """Return shares [heads, queries, keys] that add up to 1 over the keys up to each query."""
    later = np.triu(np.ones(scores.shape[1:], dtype=bool), k=1)
    scores = np.where(later, np.float32(-np.inf), scores)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares
