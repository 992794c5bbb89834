"""Causal attention over sequences that lie end to end, without padding."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch.nn import functional

_CAUSAL: Final = (-1, 0)
"""A window without a bound to the left, and nothing to the right."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Sequences end to end: `ids` and `positions` [tokens], `bounds` int32 [rows + 1].

    A sequence ends where the next begins; `ends` is `bounds` where the host can read it.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    bounds: torch.Tensor
    ends: tuple[int, ...]

    @property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return max(end - begin for begin, end in pairwise(self.ends))


Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Packed], torch.Tensor]
"""From queries [tokens, heads, head width], keys and values, of perhaps fewer heads, to [tokens,
heads, head width]."""


def choose_attention(device: torch.device, dtype: torch.dtype) -> Attend:
    """Return the kernel for packed sequences where there is one: on a GPU, in 16 bits."""
    if device.type != "cuda" or dtype not in (torch.bfloat16, torch.float16):
        return attend_one_by_one
    try:
        from torch.nn.attention.varlen import varlen_attn  # noqa: PLC0415 - since 2.10
    except ImportError as error:
        logging.getLogger(__name__).warning(
            "sequences attend one by one, which is slow; PyTorch has a kernel since 2.10: %s", error
        )
        return attend_one_by_one
    return _make_packed(varlen_attn)


def attend_one_by_one(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, packed: Packed
) -> torch.Tensor:
    """Let each sequence attend to itself in turn."""
    shared = query.shape[1] // key.shape[1]
    attended = torch.empty_like(query)
    for begin, end in pairwise(packed.ends):
        rows = (
            query[begin:end],
            key[begin:end].repeat_interleave(shared, dim=1),
            value[begin:end].repeat_interleave(shared, dim=1),
        )
        one = functional.scaled_dot_product_attention(
            *(each.transpose(0, 1).unsqueeze(0) for each in rows), is_causal=True
        )
        attended[begin:end] = one.squeeze(0).transpose(0, 1)
    return attended


def spell_causal(kernel: Callable[..., object]) -> dict[str, object]:
    """Return the arguments that ask a version of PyTorch's kernel for what is computed here.

    2.10 has a flag, later ones a window. Fewer heads of keys than of queries were just taken at
    first; since 2.12 they must be asked for.
    """
    known = inspect.signature(kernel).parameters
    asked: dict[str, object] = (
        {"window_size": _CAUSAL} if "window_size" in known else {"is_causal": True}
    )
    return asked | ({"enable_gqa": True} if "enable_gqa" in known else {})


def _make_packed(kernel: Callable[..., torch.Tensor]) -> Attend:
    asked = spell_causal(kernel)

    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, packed: Packed
    ) -> torch.Tensor:
        bounds, longest = packed.bounds, packed.longest
        return kernel(query, key, value, bounds, bounds, longest, longest, **asked)

    return attend
