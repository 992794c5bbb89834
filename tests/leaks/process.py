"""`python -m leaks serve` as a real process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import unencrypted
from tests.leaks.signing import Signer
from tests.waiting import wait_until


@dataclass(frozen=True)
class Receiver:
    """A running receiver: a client for it, and its log."""

    client: httpx.Client
    log: Path
    process: "subprocess.Popen[bytes]"

    def report(self, body: bytes, signer: Signer) -> httpx.Response:
        """Send a report as GitHub does."""
        return self.client.post("/github", content=body, headers=signer.headers(body))

    def metric(self, line: str) -> float:
        """Read one number from the metrics, by its name and labels."""
        for text in self.client.get("/metrics").text.splitlines():
            name, _, value = text.rpartition(" ")
            if name == line:
                return float(value)
        raise AssertionError(f"no metric {line}")


@contextmanager
def running_receiver(
    folder: Path, settings: Mapping[str, str], *, listens_on_socket: bool = True
) -> Iterator[Receiver]:
    """Run a receiver, by default on a socket in `folder`, until the block ends."""
    socket, log = folder / "leaks.sock", folder / "leaks.log"
    listening = {"LEAKS_SOCKET": str(socket)} if listens_on_socket else {}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "leaks", "serve"],
            env={"PATH": os.defpath, **listening, **settings},
            stderr=output,
        )
    try:
        with unencrypted.client_of(socket, timeout_seconds=30) as client:
            if listens_on_socket:
                wait_until(lambda: _answers(client) or process.poll() is not None, log.read_text)
            yield Receiver(client, log, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def run_to_its_end(settings: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a receiver that cannot start."""
    return subprocess.run(
        [sys.executable, "-m", "leaks", "serve"],
        env={"PATH": os.defpath, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
