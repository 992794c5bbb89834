"""PyTorch's compiler, where it pays: on a GPU, whose memory is then passed over less often."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., object])
Fuse = Callable[[Function], Function]


def choose_fusion(device: torch.device) -> bool:
    """Tell whether functions are to be compiled for a device.

    The compiler needs another one, for C, and its own package for GPUs: tried, because nothing
    tells beforehand. Without them the model gives the same vectors, more slowly.
    """
    if device.type != "cuda":
        return False
    try:
        torch.compile(torch.square)(torch.ones(2, device=device))
    except Exception as error:  # noqa: BLE001 - of any kind
        logging.getLogger(__name__).warning("kernels are not fused: %s", error)
        return False
    return True


def fuse(function: Function, *, fused: bool) -> Function:
    """Compile a function, or leave it as it is."""
    return torch.compile(function) if fused else function
