"""How fast a device multiplies matrices: the ceiling that a model's figures are held against."""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from inference.engine.settings import Device
from inference.variant import Precision

_SIZE_GPU: Final = 8192
_SIZE_CPU: Final = 1024
_REPEATS: Final = 20
_TIMES: Final = 5


def numpy_rate() -> float:
    """Return this CPU's FLOP/s in single precision, with as many threads as NumPy takes."""
    random = np.random.default_rng(1)
    one, other = random.standard_normal((2, _SIZE_CPU, _SIZE_CPU), dtype=np.float32)
    return _best(lambda: one @ other, _SIZE_CPU, lambda: None, repeats=3)


def torch_rates(device: Device, threads: int) -> dict[str, float]:
    """Return a device's FLOP/s in each precision that it multiplies in; a CPU's with `threads`."""
    import torch  # noqa: PLC0415 - where ONNX Runtime is measured there may be none

    torch.set_num_threads(threads)
    size = _SIZE_GPU if device is Device.CUDA else _SIZE_CPU
    repeats = _REPEATS if device is Device.CUDA else 3
    wait = torch.cuda.synchronize if device is Device.CUDA else (lambda: None)
    with torch.inference_mode():
        one, other = torch.randn((2, size, size), device=str(device))
        multiplications = _multiplications(torch, one, other, device)
        return {
            str(precision): _best(multiply, size, wait, repeats)
            for precision, multiply in multiplications.items()
        }


def _multiplications(
    torch: Any,  # noqa: ANN401 - the module
    one: Any,  # noqa: ANN401 - a tensor
    other: Any,  # noqa: ANN401 - another
    device: Device,
) -> dict[Precision, Callable[[], object]]:
    """Return what multiplies two matrices of random numbers: of zeros it would be faster."""
    from inference.engine.torch_linear import (  # noqa: PLC0415 - imports torch itself
        Linear,
        multiply_scaled,
        quantise,
    )

    single = Linear(other)
    if device is not Device.CUDA:
        return {Precision.FP32: lambda: single(one)}
    halves, half = one.bfloat16(), Linear(other.bfloat16())
    rates: dict[Precision, Callable[[], object]] = {
        Precision.FP32: lambda: single(one),
        Precision.BF16: lambda: half(halves),
    }
    if torch.cuda.get_device_capability() >= (8, 9):
        (left, left_scale), (right, right_scale) = quantise(one), quantise(other)
        rates[Precision.FP8] = lambda: multiply_scaled(left, left_scale, right, right_scale.T)
    return rates


def _best(
    multiply: Callable[[], object], size: int, wait: Callable[[], object], repeats: int
) -> float:
    """Return the best of several timings, after one that only warms up."""
    times = []
    for _ in range(_TIMES + 1):
        wait()
        began = time.perf_counter()
        for _ in range(repeats):
            multiply()
        wait()
        times.append((time.perf_counter() - began) / repeats)
    return 2 * size**3 / min(times[1:])
