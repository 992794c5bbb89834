"""Finds TensorRT, or TensorRT-RTX, which has the same API and compiles without a GPU.

| library      | where from                       | compiles for                               |
|--------------|----------------------------------|--------------------------------------------|
| TensorRT     | NVIDIA's Triton container        | the GPU of this machine                    |
| TensorRT-RTX | two wheels: libraries, bindings  | a GPU that is named; none has to be here   |

Triton loads TensorRT's plans alone. TensorRT-RTX's show, before there is a GPU, that a graph is one
that NVIDIA's parser and builder take.
"""

import ctypes
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Final

from inference.tensorrt.compiler import CompileError, Identity
from inference.tensorrt.device import find_target
from inference.tensorrt.network import NetworkCompiler

_RTX_LIBRARIES: Final = "onnxruntime_ep_nv_tensorrt_rtx"
_RTX_BINDINGS: Final = "tensorrt_rtx_bindings"
_RTX_FILES: Final = ("libtensorrt_rtx.so.*", "libtensorrt_onnxparser_rtx.so.*")
"""In the order in which one needs the other."""
_NOT_TARGETS: Final = ("NONE", "CURRENT")


class Library(StrEnum):
    """One of the two, the first choice first."""

    TENSORRT = "tensorrt"
    RTX = "tensorrt-rtx"


_MODULES: Final[Mapping[Library, tuple[str, ...]]] = {
    Library.TENSORRT: ("tensorrt",),
    Library.RTX: (_RTX_LIBRARIES, _RTX_BINDINGS),
}


def is_installed(module: str) -> bool:
    """Tell whether Python finds a module."""
    return importlib.util.find_spec(module) is not None


def find_compiler(
    target: str | None,
    library: Library | None = None,
    is_here: Callable[[str], bool] = is_installed,
) -> NetworkCompiler:
    """Return a compiler for a target, such as `sm89`; without one, for the GPU of this machine.

    Unless `library` says which, TensorRT is taken where it is installed.

    Raises:
        CompileError: no library is here, or it cannot compile for the target.
    """
    here = [each for each in Library if all(is_here(module) for module in _MODULES[each])]
    if not here:
        raise CompileError(
            "neither TensorRT nor TensorRT-RTX is installed here: compile in NVIDIA's Triton"
            " container, or install onnxruntime-ep-nv-tensorrt-rtx-cu13 and"
            " tensorrt-rtx-cu13-bindings"
        )
    if library not in {None, *here}:
        raise CompileError(f"{library} is not installed here, but {' and '.join(here)}")
    match library or here[0]:
        case Library.TENSORRT:
            return _find_tensorrt(target)
        case Library.RTX:
            return _find_rtx(target)


def _find_tensorrt(target: str | None) -> NetworkCompiler:
    tensorrt = importlib.import_module("tensorrt")
    here = find_target()
    if target not in {None, here}:
        raise CompileError(
            f"TensorRT compiles for the GPU of its machine, which is {here}, and not for {target}"
        )
    identity = Identity(Library.TENSORRT, tensorrt.__version__, here)
    return NetworkCompiler(tensorrt, identity, times_kernels=True)


def _find_rtx(target: str | None) -> NetworkCompiler:
    rtx = _load_rtx()
    targets = _rtx_targets(rtx)
    if target is None or target not in targets:
        known = ", ".join(targets)
        which = f"not for {target}" if target else "has to be told for which"
        raise CompileError(f"TensorRT-RTX compiles for one of {known}, and {which}")
    identity = Identity(Library.RTX, rtx.__version__, target)
    # It leaves the choice among kernels to the GPU that the plan is loaded on.
    return NetworkCompiler(rtx, identity, targets[target], times_kernels=False)


def _rtx_targets(rtx: ModuleType) -> Mapping[str, object]:
    """Return what TensorRT-RTX can be told to compile for, by our names."""
    members = rtx.ComputeCapability.__members__
    return {name.lower(): value for name, value in members.items() if name not in _NOT_TARGETS}


def _load_rtx() -> ModuleType:
    """Load the libraries where the bindings, which come without any, can find them."""
    spec = importlib.util.find_spec(_RTX_LIBRARIES)
    folders = spec.submodule_search_locations if spec else None
    for pattern in _RTX_FILES:
        found = [path for folder in folders or () for path in sorted(Path(folder).glob(pattern))]
        if not found:
            raise CompileError(f"the wheel {_RTX_LIBRARIES} holds no {pattern}")
        ctypes.CDLL(str(found[0]), ctypes.RTLD_GLOBAL)
    return importlib.import_module(_RTX_BINDINGS)
