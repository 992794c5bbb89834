"""How fast a device multiplies matrices: the ceiling that a model's figures are held against."""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bench.model_warnings import first_line
from inference.engine.settings import Device
from inference.variant import Precision

_SIZE_GPU: Final = 8192
_SIZE_CPU: Final = 1024
_REPEATS: Final = 20
_TIMES: Final = 5


def numpy_rates() -> dict[str, float]:
    """Return this CPU's FLOP/s in single precision, with as many threads as NumPy takes."""
    random = np.random.default_rng(1)
    one, other = random.standard_normal((2, _SIZE_CPU, _SIZE_CPU), dtype=np.float32)
    return {str(Precision.FP32): _best(lambda: one @ other, _SIZE_CPU, lambda: None, repeats=3)}


def torch_rates(device: Device, threads: int) -> tuple[dict[str, float], dict[str, str]]:
    """Return a device's FLOP/s in each precision, and why there is none; a CPU's with `threads`."""
    import torch  # noqa: PLC0415 - where ONNX Runtime is measured there may be none

    torch.set_num_threads(threads)
    size = _SIZE_GPU if device is Device.CUDA else _SIZE_CPU
    repeats = _REPEATS if device is Device.CUDA else 3
    wait = torch.cuda.synchronize if device is Device.CUDA else (lambda: None)
    rates, failed = {}, {}
    with torch.inference_mode():
        one, other = torch.randn((2, size, size), device=str(device))
        for precision, prepare in _multiplications(torch, one, other, device).items():
            try:
                rates[str(precision)] = _best(prepare(), size, wait, repeats)
            except Exception as error:  # noqa: BLE001 - the others are measured still
                failed[str(precision)] = first_line(error)
    return rates, failed


def _multiplications(
    torch: Any,  # noqa: ANN401 - the module
    one: Any,  # noqa: ANN401 - a tensor
    other: Any,  # noqa: ANN401 - another
    device: Device,
) -> dict[Precision, Callable[[], Callable[[], object]]]:
    """Return what prepares to multiply random matrices: of zeros it would be faster."""
    from inference.engine.torch_linear import (  # noqa: PLC0415 - imports torch itself
        Linear,
        multiply_scaled,
        quantise,
    )

    def in_halves() -> Callable[[], object]:
        halves, half = one.bfloat16(), Linear(other.bfloat16())
        return lambda: half(halves)

    def in_8_bits() -> Callable[[], object]:
        (left, left_scale), (right, right_scale) = quantise(one), quantise(other)
        return lambda: multiply_scaled(left, left_scale, right, right_scale.T)

    single = Linear(other)
    rates: dict[Precision, Callable[[], Callable[[], object]]] = {
        Precision.FP32: lambda: lambda: single(one)
    }
    if device is Device.CUDA:
        rates[Precision.BF16] = in_halves
        if torch.cuda.get_device_capability() >= (8, 9):
            rates[Precision.FP8] = in_8_bits
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
