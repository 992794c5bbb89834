"""Qwen3 as a sentence encoder, over packed sequences: ids in, unit vectors out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch.nn import functional

from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine import torch_layers as layers
from inference.engine.torch_attention import Attend, Packed
from inference.engine.torch_fusion import fuse
from inference.engine.torch_linear import Linear, ScaledLinear
from inference.engine.torch_weights import Weights

Multiply = Linear | ScaledLinear


@dataclass(frozen=True, slots=True)
class Kernels:
    """The functions of `torch_layers`, as they are or compiled, and attention."""

    add_and_normalise: Callable[..., tuple[torch.Tensor, torch.Tensor]]
    normalise_and_rotate: Callable[..., torch.Tensor]
    gate: Callable[[torch.Tensor], torch.Tensor]
    attend: Attend

    @classmethod
    def make(cls, attend: Attend, *, fused: bool) -> Self:
        """Choose them for a device."""
        return cls(
            fuse(layers.add_and_normalise, fused=fused, per_token=2),
            fuse(layers.normalise_and_rotate, fused=fused, per_token=3),
            fuse(layers.gate, fused=fused, per_token=1),
            attend,
        )


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one layer; those that have the same input are joined.

    `head_norms` [heads of queries and of keys, head width] repeats a norm for each of its heads.
    """

    before_attention: torch.Tensor
    query_key_value: Multiply
    head_norms: torch.Tensor
    attended: Multiply
    before_feed_forward: torch.Tensor
    gate_and_up: Multiply
    down: Multiply

    @classmethod
    def load(
        cls,
        config: Qwen3Config,
        weights: Weights,
        index: int,
        multiply: Callable[[torch.Tensor], Multiply],
    ) -> Self:
        """Read the layer's weights."""

        def load(*names: str) -> torch.Tensor:
            return weights.load(*(f"layers.{index}.{name}.weight" for name in names))

        projections = (f"self_attn.{part}_proj" for part in "qkv")
        norms = (
            load("self_attn.q_norm").expand(config.heads, -1),
            load("self_attn.k_norm").expand(config.kv_heads, -1),
        )
        return cls(
            before_attention=load("input_layernorm"),
            query_key_value=multiply(load(*projections)),
            head_norms=torch.cat(norms),
            attended=multiply(load("self_attn.o_proj")),
            before_feed_forward=load("post_attention_layernorm"),
            gate_and_up=multiply(load("mlp.gate_proj", "mlp.up_proj")),
            down=multiply(load("mlp.down_proj")),
        )


@dataclass(frozen=True, slots=True)
class Qwen3:
    """The whole model; `cosine` and `sine` are [positions, 1, head width / 2]."""

    config: Qwen3Config
    kernels: Kernels
    embedding: torch.Tensor
    layers: tuple[Layer, ...]
    norm: torch.Tensor
    cosine: torch.Tensor
    sine: torch.Tensor

    def __call__(self, packed: Packed) -> torch.Tensor:
        """Return the unit vectors [rows, width] of what each sequence's last token has become."""
        turn = self.cosine[packed.positions], self.sine[packed.positions]
        x = functional.embedding(packed.ids, self.embedding)
        change = torch.zeros_like(x)
        for layer in self.layers:
            x, change = self._run(layer, x, change, turn, packed)
        last = packed.bounds[1:] - 1
        # From here on in single precision: the callers' vectors have as many digits as they can.
        pooled = x[last].float() + change[last].float()
        normalised = layers.normalise(pooled, self.norm.float(), self.config.norm_epsilon)
        return layers.unit_vectors(normalised)

    def _run(
        self,
        layer: Layer,
        x: torch.Tensor,
        change: torch.Tensor,
        turn: tuple[torch.Tensor, torch.Tensor],
        packed: Packed,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the residual stream after attention, and what the feed-forward adds to it."""
        add_and_normalise, epsilon = self.kernels.add_and_normalise, self.config.norm_epsilon
        x, normalised = add_and_normalise(x, change, layer.before_attention, epsilon)
        change = layer.attended(self._attend(layer, normalised, turn, packed))
        x, normalised = add_and_normalise(x, change, layer.before_feed_forward, epsilon)
        return x, layer.down(self.kernels.gate(layer.gate_and_up(normalised)))

    def _attend(
        self,
        layer: Layer,
        x: torch.Tensor,
        turn: tuple[torch.Tensor, torch.Tensor],
        packed: Packed,
    ) -> torch.Tensor:
        """Let each token attend to its sequence up to itself, [tokens, heads x head width]."""
        config = self.config
        heads = layer.query_key_value(x).unflatten(-1, (-1, config.head_width))
        turned, value = heads.split([config.heads + config.kv_heads, config.kv_heads], dim=1)
        turned = self.kernels.normalise_and_rotate(
            turned, *turn, layer.head_norms, config.norm_epsilon
        )
        query, key = turned.split([config.heads, config.kv_heads], dim=1)
        return self.kernels.attend(query, key, value, packed).flatten(1)


def load_qwen3(
    config: Qwen3Config,
    weights: Weights,
    kernels: Kernels,
    multiply: Callable[[torch.Tensor], Multiply],
    positions: int,
) -> Qwen3:
    """Read all weights; the model can then run sequences of up to so many tokens."""
    embedding = weights.load("embed_tokens.weight")
    cosine, sine = _rotations(config, positions, embedding.device)
    return Qwen3(
        config=config,
        kernels=kernels,
        embedding=embedding,
        layers=tuple(
            Layer.load(config, weights, index, multiply) for index in range(config.layers)
        ),
        norm=weights.load("norm.weight"),
        cosine=cosine,
        sine=sine,
    )


def _rotations(
    config: Qwen3Config, positions: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cosines and sines of the angles by which each position turns each pair."""
    exponents = torch.arange(0, config.head_width, 2, dtype=torch.float32) / config.head_width
    angles = torch.outer(
        torch.arange(positions, dtype=torch.float32), 1.0 / config.rope_theta**exponents
    )
    return angles.cos().unsqueeze(1).to(device), angles.sin().unsqueeze(1).to(device)
