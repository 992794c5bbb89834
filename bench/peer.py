"""The peer: infinity-emb, torch on the CPU, on the same weights as ours."""

import contextlib
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stack import parts
from stack.ports import LOOPBACK, free_ports
from stack.process import Command
from stack.spawn import spawn

MODEL: Final = "minilm"
_PROGRAM: Final = Path(".venv-peers/bin/infinity_emb")
_READY_SECONDS: Final = 120


@contextlib.contextmanager
def running_peer(folder: Path) -> Iterator[int]:
    """Run the peer as its documentation advises for a CPU; yields its port."""
    if not _PROGRAM.exists():
        raise SystemExit("The peer is not installed; run: make bench")
    (port,) = free_ports(1)
    log = folder / "peer.log"
    arguments = (
        f"--model-id={parts.checkpoint_folder()}",
        f"--served-model-name={MODEL}",
        "--device=cpu",
        "--engine=torch",
        "--dtype=float32",  # ours computes in float32 too
        "--no-bettertransformer",  # it needs a torch older than the one that is installed
        f"--host={LOOPBACK}",
        f"--port={port}",
        "--log-level=error",
    )
    environment = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "HOME": str(folder)}
    command = Command((str(_PROGRAM.absolute()), "v2", *arguments), environment)
    spawned = spawn(command, log, stop_seconds=5)
    try:
        _wait_until_ready(f"http://{LOOPBACK}:{port}/health", log)
        yield port
    finally:
        spawned.stop()
        spawned.wait(timeout_seconds=10)


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
            return
        time.sleep(0.5)
    raise SystemExit(f"The peer did not become ready; its log is {log}")
