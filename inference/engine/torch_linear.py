"""Multiplications by a weight: in the model's own numbers, or in 8 bits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import torch
from torch.nn import functional

FP8: Final = torch.float8_e4m3fn
_FP8_MAX: Final = torch.finfo(FP8).max
_SCALE_MIN: Final = 1e-12
"""Below any scale that matters; a row of zeros has one too."""

Quantise = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Linear:
    """Multiplies by `weight` [out, in]."""

    weight: torch.Tensor

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [tokens, in] into [tokens, out]."""
        return functional.linear(x, self.weight)


@dataclass(frozen=True, slots=True)
class ScaledLinear:
    """Multiplies in 8 bits: `weight` [out, in], and `scale` [1, out] to multiply results with.

    A scale for each row of the weight and each token keeps what is large in one from costing the
    others their digits, and a token's vector from depending on what it runs beside.
    """

    weight: torch.Tensor
    scale: torch.Tensor
    quantise: Quantise

    @classmethod
    def of(cls, weight: torch.Tensor, quantise: Quantise) -> Self:
        """Round a weight to 8 bits, once, and what it is multiplied with each time."""
        rounded, scale = quantise(weight)
        return cls(rounded, scale.T.contiguous(), quantise)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [tokens, in] into [tokens, out], in bfloat16."""
        return multiply_scaled(*self.quantise(x), self.weight, self.scale)


def quantise(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `x` [rows, width] in 8 bits, and the scale [rows, 1] that each row was divided by."""
    wide = x.float()
    scale = (wide.abs().amax(dim=-1, keepdim=True) / _FP8_MAX).clamp(min=_SCALE_MIN)
    return (wide / scale).to(FP8), scale


def multiply_scaled(
    x: torch.Tensor, x_scale: torch.Tensor, weight: torch.Tensor, weight_scale: torch.Tensor
) -> torch.Tensor:
    """Multiply what is in 8 bits; its scales are [tokens, 1] and [1, out]."""
    return torch._scaled_mm(  # noqa: SLF001 - what PyTorch has for it
        x,
        weight.T,
        scale_a=x_scale,
        scale_b=weight_scale,
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )
