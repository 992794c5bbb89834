"""PyTorch's compiler, where it pays: on a GPU, whose memory is then passed over less often."""

import logging
from collections.abc import Callable
from typing import Any, Final

import torch

Function = Callable[..., Any]

_INDUCTOR: Final = "inductor"


def choose_fusion(device: torch.device) -> bool:
    """Tell whether functions are to be compiled for a device.

    The compiler needs another one, for C, and its own package for GPUs: tried, because nothing
    tells beforehand. Without them the model gives the same vectors, more slowly.
    """
    if device.type != "cuda":
        return False
    try:
        from torch._inductor import config  # noqa: PLC0415 - takes seconds

        # Else it would start a pool of Pythons to compile in, for four small functions.
        config.compile_threads = 1
        torch.compile(torch.square)(torch.ones(2, device=device))
    except Exception as error:  # noqa: BLE001 - of any kind
        logging.getLogger(__name__).warning("kernels are not fused: %s", error)
        return False
    return True


def fuse(
    function: Function, *, fused: bool, per_token: int, backend: str | Function = _INDUCTOR
) -> Function:
    """Compile a function, or leave it as it is; its first `per_token` arguments have a row a token.

    The number of tokens is another each time, so it is left open from the start. All other sizes
    are the model's own, and each of them gets a kernel that was made for it. PyTorch, left to
    itself, would compile twice to learn the former, and would open the latter too.
    """
    if not fused:
        return function
    compiled = torch.compile(function, dynamic=False, backend=backend)

    def run(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
        for each in arguments[:per_token]:
            torch._dynamo.maybe_mark_dynamic(each, 0)  # noqa: SLF001 - documented as public
        return compiled(*arguments)

    return run
