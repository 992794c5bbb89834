"""What a layer does between its multiplications; each function is one kernel where it is fused."""

import torch
from torch.nn import functional


def normalise(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Scale the last axis to a root mean square of 1, in single precision, then by `weight`."""
    wide = x.float()
    scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + epsilon)
    return (wide * scale).to(x.dtype) * weight


def add_and_normalise(
    x: torch.Tensor, change: torch.Tensor, weight: torch.Tensor, epsilon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `x + change`, and the same normalised."""
    x = x + change
    return x, normalise(x, weight, epsilon)


def normalise_and_rotate(
    heads: torch.Tensor,
    cosine: torch.Tensor,
    sine: torch.Tensor,
    weight: torch.Tensor,
    epsilon: float,
) -> torch.Tensor:
    """Normalise each of `heads` [tokens, heads, head width] and turn it by its token's position.

    `cosine` and `sine` are [tokens, 1, head width / 2], `weight` is [heads, head width]. A number
    turns with the one that is half a head away.
    """
    left, right = normalise(heads, weight, epsilon).float().chunk(2, dim=-1)
    turned = (left * cosine - right * sine, right * cosine + left * sine)
    return torch.cat(turned, dim=-1).to(heads.dtype)


def gate(x: torch.Tensor) -> torch.Tensor:
    """Multiply the second half of the last axis by the SiLU of the first."""
    opening, value = x.chunk(2, dim=-1)
    return functional.silu(opening) * value


def unit_vectors(x: torch.Tensor) -> torch.Tensor:
    """Scale each row to length 1; a row that holds a NaN becomes NaN."""
    return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp(min=1e-12)
