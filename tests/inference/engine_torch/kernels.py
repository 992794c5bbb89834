"""Tries what only some machines and versions of PyTorch have: `python kernels.py` prints JSON."""

import json
import logging
import sys
from typing import Any

import torch
from torch._dynamo.testing import CompileCounter

from inference.engine import torch_layers as layers
from inference.engine.torch_attention import attend_one_by_one, choose_attention, spell_causal
from inference.engine.torch_fusion import fuse
from inference.engine.torch_linear import quantise

TOKENS = (7, 5, 64, 1, 9, 64, 300)


def main() -> None:
    """Do all, and print what came of it."""
    found = {
        "compiled": _compiled(),
        "spelled": [spell_causal(kernel) for kernel in (_in_2_10, _in_2_11, _in_2_12)],
        "without a kernel": _without_a_kernel(),
    }
    json.dump(found, sys.stdout)


def _compiled() -> dict[str, int]:
    """Count how often each function is compiled, as a model of width 64 and 192 calls it."""
    counters = {name: CompileCounter() for name in ("add", "rotate", "gate", "quantise")}

    def fused(name: str, function: Any, per_token: int) -> Any:  # noqa: ANN401 - as `fuse` itself
        return fuse(function, fused=True, per_token=per_token, backend=counters[name])

    add = fused("add", layers.add_and_normalise, 2)
    rotate = fused("rotate", layers.normalise_and_rotate, 3)
    gate = fused("gate", layers.gate, 1)
    rounding = fused("quantise", quantise, 1)
    with torch.inference_mode():
        for tokens in TOKENS:
            x, turn = torch.ones(tokens, 64), torch.ones(tokens, 1, 8)
            add(x, x.clone(), torch.ones(64), 1e-6)
            rotate(torch.ones(tokens, 6, 16), turn, turn.clone(), torch.ones(6, 16), 1e-6)
            gate(torch.ones(tokens, 384))
            rounding(x)
            rounding(torch.ones(tokens, 192))
    return {name: counter.frame_count for name, counter in counters.items()}


def _without_a_kernel() -> list[str]:
    """Return what is warned of where PyTorch has no kernel for packed sequences."""
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("inference.engine").addHandler(handler)
    sys.modules["torch.nn.attention.varlen"] = None  # type: ignore[assignment]
    chosen = choose_attention(torch.device("cuda"), torch.bfloat16)
    assert chosen is attend_one_by_one
    return heard


def _in_2_10(query: object, is_causal: bool = False, return_aux: object = None) -> None:  # noqa: FBT001, FBT002
    """As that version declares it."""


def _in_2_11(query: object, *, window_size: tuple[int, int] = (-1, -1)) -> None:
    """As that version declares it."""


def _in_2_12(
    query: object, *, window_size: tuple[int, int] = (-1, -1), enable_gqa: bool = False
) -> None:
    """As that version declares it."""


if __name__ == "__main__":
    main()
