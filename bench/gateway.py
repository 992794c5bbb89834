"""What the gateway costs: Envoy alone against Envoy with authz, before the same upstream."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import envoys
from bench.comparison import Comparison, compare
from bench.product import MODEL
from bench.target import Target
from bench.texts import make_texts
from stack.launch import RunningStack
from stack.ports import LOOPBACK, free_ports
from stack.process import Command
from stack.spawn import spawn

_WORDS_MEAN: Final = 40
"""About 45 tokens, which authz counts in every body."""

_READY_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class _Ports:
    alone: int
    ours: int


def compare_gateways(
    stack: RunningStack, folder: Path, *, seconds: float, rounds: int, say: Callable[[str], None]
) -> list[Comparison]:
    """Compare at 32 connections for throughput, and at one for what a caller feels."""
    texts = make_texts(500, _WORDS_MEAN)
    with _running_envoys(stack, folder) as ports:
        base, ours = (
            Target.embeddings(name, port, "/v1/embeddings", MODEL, texts, stack.key)
            for name, port in (("Envoy alone", ports.alone), ("Envoy + authz", ports.ours))
        )
        return [
            compare(
                "The gateway's cost",
                base,
                ours,
                connections=connections,
                seconds=seconds,
                rounds=rounds,
                say=say,
            )
            for connections in (32, 1)
        ]


@contextlib.contextmanager
def _running_envoys(stack: RunningStack, folder: Path) -> Iterator[_Ports]:
    """Run the upstream and both gateways; the stack lends its authz process."""
    upstream = folder / "upstream.sock"
    ports = _Ports(*free_ports(2))
    envoys.write_upstream(folder / "upstream.json", upstream)
    envoys.write_alone(folder / "alone.json", ports.alone, upstream)
    authz = stack.layout.socket("authz-1")
    envoys.write_ours(folder / "ours.yaml", ports.ours, upstream, authz, folder)
    with contextlib.ExitStack() as running:
        for name in ("upstream.json", "alone.json", "ours.yaml"):
            log = folder / f"{name}.log"
            spawned = spawn(Command(envoys.command(folder / name)), log)
            running.callback(spawned.wait, timeout_seconds=10)
            running.callback(spawned.stop)
        for port in (ports.alone, ports.ours):
            _wait_until_open(port, folder)
        yield ports


def _wait_until_open(port: int, folder: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        time.sleep(0.1)
    logs = "\n".join(log.read_text() for log in folder.glob("*.log"))
    raise SystemExit(f"An Envoy did not start:\n{logs}")
