"""Which GPU this machine has, asked of NVIDIA's driver itself."""

import ctypes
from typing import Final

from inference.tensorrt.compiler import CompileError

_DRIVER: Final = "libcuda.so.1"
_CAPABILITY_MAJOR: Final = 75  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
_CAPABILITY_MINOR: Final = 76


def find_target() -> str:
    """Return the compute capability of the first GPU, such as `sm90`.

    Raises:
        CompileError: there is no driver, or no GPU.
    """
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError as error:
        raise CompileError(f"there is no GPU here: {error}") from error
    device = ctypes.c_int()
    _check(driver.cuInit(0))
    _check(driver.cuDeviceGet(ctypes.byref(device), 0))
    return "sm" + "".join(
        str(_attribute(driver, attribute, device))
        for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR)
    )


def _attribute(driver: ctypes.CDLL, attribute: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    _check(driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device))
    return value.value


def _check(result: int) -> None:
    if result:
        raise CompileError(f"there is no GPU here: NVIDIA's driver answers with error {result}")
