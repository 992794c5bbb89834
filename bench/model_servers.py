"""A real Triton, and the adapter in front of it, over one model repository."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from inference.tensors import MODEL
from stack import ports, triton
from stack.process import Command
from stack.spawn import Spawned, spawn
from stack.triton import Triton

_SERVER: Final = "tritonserver"
_LOAD_SECONDS: Final = 600.0
_STOP_SECONDS: Final = 30.0


class NotServedError(Exception):
    """The servers do not come up; the text says what the log ends with."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What serves: the adapter's Unix socket, and the processes' ids."""

    socket: Path
    adapter_pid: int
    triton_pid: int


@contextmanager
def serving(repository: Path, python: Path, folder: Path) -> Iterator[Servers]:
    """Serve a repository until the block ends.

    Models in Triton's Python backend use the packages of `python`.

    Raises:
        NotServedError: one of the two has ended, or takes too long.
        StackError: there is no Triton here.
    """
    socket = folder / "adapter.sock"
    with ExitStack() as stack:
        server = Triton(
            repository / "triton", folder / "backends", *ports.free_ports(3), python=python
        )
        settings = {
            "ADAPTER_SOCKET": str(socket),
            "ADAPTER_TRITON_ADDRESS": server.address,
            "ADAPTER_MODEL_FOLDER": str(repository / "card"),
            "GRPC_VERBOSITY": "ERROR",
        }
        adapter = Command((sys.executable, "-m", "inference", "serve"), settings)
        commands = {"triton": _triton_command(server, folder), "adapter": adapter}
        running = {
            name: stack.enter_context(_running(command, folder / f"{name}.log"))
            for name, command in commands.items()
        }
        _wait_until_ready(socket, running, lambda name: _last_words(folder / f"{name}.log"))
        yield Servers(socket, running["adapter"].pid, running["triton"].pid)


def _triton_command(server: Triton, folder: Path) -> Command:
    """Prefer the server of NVIDIA's container, which has every backend, to the wheel's."""
    installed = shutil.which(_SERVER)
    if installed is None:
        triton.assemble_backends(server)
        return triton.describe(server, folder / "triton.log").command
    argv = (
        installed,
        f"--model-repository={server.repository}",
        "--model-control-mode=explicit",
        f"--load-model={MODEL}",
        f"--http-port={server.http_port}",
        f"--grpc-port={server.grpc_port}",
        f"--metrics-port={server.metrics_port}",
    )
    return Command(argv, {n: os.environ[n] for n in ("PATH", "LD_LIBRARY_PATH") if n in os.environ})


@contextmanager
def _running(command: Command, log: Path) -> Iterator[Spawned]:
    spawned = spawn(command, log)
    try:
        yield spawned
    finally:
        spawned.stop()
        spawned.wait(_STOP_SECONDS)


def _wait_until_ready(
    socket: Path, running: dict[str, Spawned], explain: Callable[[str], str]
) -> None:
    deadline = time.monotonic() + _LOAD_SECONDS
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=5) as client:
        while not _is_ready(client):
            for name, spawned in running.items():
                if spawned.guard.poll() is not None:
                    raise NotServedError(f"{name} has ended: {explain(name)}")
            if time.monotonic() > deadline:
                raise NotServedError(f"Triton is not ready after {_LOAD_SECONDS:.0f} s")
            time.sleep(0.1)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("http://adapter/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _last_words(log: Path) -> str:
    lines = log.read_text().strip().splitlines()
    return lines[-1] if lines else "its log is empty"
