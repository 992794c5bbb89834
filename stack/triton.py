"""Triton Inference Server with its Python backend, on free loopback ports."""

import hashlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stack import parts, probe
from stack.process import Command, Process

_MODEL: Final = "embedder"
_EXIT_SECONDS: Final = 0
"""Its one caller has ended before it, so nothing is under way, and to unload takes it seconds."""
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - where Triton keeps its regions
_BACKEND_FILES: Final = (
    "backends/python/libtriton_python.so",
    "backends/python/triton_python_backend_utils.py",
    "python_backend_stubs/3.11/triton_python_backend_stub",
)


@dataclass(frozen=True, slots=True)
class Triton:
    """One server: its model repository, the folder for its backends, and its loopback ports.

    Models in Python use the packages of `python`; by default of the one that runs us.
    """

    repository: Path
    backends: Path
    grpc_port: int
    http_port: int
    metrics_port: int
    python: Path = field(default=Path(sys.executable), kw_only=True)

    @property
    def address(self) -> str:
        """The gRPC target."""
        return f"127.0.0.1:{self.grpc_port}"


def assemble_backends(triton: Triton) -> None:
    """Put the Python backend's files in one folder, as Triton wants them; the wheel does not."""
    target = triton.backends / "python"
    target.mkdir(parents=True, exist_ok=True)
    for file in _BACKEND_FILES:
        link = target / Path(file).name
        link.unlink(missing_ok=True)
        link.symlink_to(parts.triton_folder() / file)


def remove_shared_memory(backends: Path) -> None:
    """Remove what a killed server with this folder of backends left behind."""
    for region in _SHARED_MEMORY.glob(_shared_memory_prefix(backends) + "*"):
        region.unlink(missing_ok=True)


def describe(triton: Triton, log: Path, after: tuple[str, ...] = ()) -> Process:
    """Describe the server over a built repository and assembled backends."""
    argv = (
        str(parts.triton_folder() / "bin" / "tritonserver"),
        f"--model-repository={triton.repository}",
        f"--backend-directory={triton.backends}",
        "--model-control-mode=explicit",
        f"--load-model={_MODEL}",
        f"--backend-config=python,shm-region-prefix-name={_shared_memory_prefix(triton.backends)}",
        "--http-address=127.0.0.1",
        f"--http-port={triton.http_port}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={triton.grpc_port}",
        "--metrics-address=127.0.0.1",
        f"--metrics-port={triton.metrics_port}",
        "--allow-gpu-metrics=false",
        f"--exit-timeout-secs={_EXIT_SECONDS}",
        "--log-format=ISO8601",
    )
    return Process(
        name="triton",
        command=Command(argv, _environment(triton.python)),
        ready=probe.http_on_port(triton.http_port, f"/v2/models/{_MODEL}/ready"),
        answers=probe.any_http_on_port(triton.http_port, "/v2/health/live"),
        log=log,
        after=after,
        stop_seconds=_EXIT_SECONDS + 2,
    )


def _shared_memory_prefix(backends: Path) -> str:
    """Begins the names of the server's shared memory, and of no other server's."""
    return "tessera_" + hashlib.sha256(os.fsencode(backends)).hexdigest()[:12]


def _environment(python: Path) -> dict[str, str]:
    """Make the Python inside Triton's stub find what is installed beside another of its version.

    The stub embeds an isolated interpreter, which ignores PYTHONPATH and PYTHONHOME, but still
    looks for `python3` on the PATH to find the virtual environment that it belongs to.
    """
    return {
        "LD_LIBRARY_PATH": str(parts.libpython_folder()),
        "PATH": os.pathsep.join((str(python.parent), os.defpath)),
        # PyTorch's waiting threads would spin on cores that Envoy, authz and the adapter need.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
