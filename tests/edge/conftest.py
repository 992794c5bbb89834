"""A real Envoy for each module, with doubles behind it."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from edge.bootstrap import render_local
from edge.deployment import Capacity, TcpAddress, Timeouts, UnixSocket
from stack.parts import envoy_program
from tests.edge.doubles import AdapterDouble, AuthzDouble, Doubles
from tests.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Edge:
    """A running Envoy and what is around it; of two authz processes the spare one is down."""

    port: int
    observability_port: int
    authz: AuthzDouble
    spare_authz: AuthzDouble
    adapter: AdapterDouble
    usage: AdapterDouble
    access_log: Path
    failures: Path
    admin: Path


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """The timeouts that the module's Envoy runs with."""
    return Timeouts()


@pytest.fixture(scope="module")
def capacity() -> Capacity:
    """The capacity that the module's Envoy runs with."""
    return Capacity()


@pytest.fixture(scope="module")
def trusted_hops() -> int:
    """How many proxies in front the module's Envoy believes."""
    return 0


@pytest.fixture(scope="module")
def host() -> str:
    """The address that the module's Envoy listens on."""
    return "127.0.0.1"


@pytest.fixture(scope="module")
def running_edge(
    timeouts: Timeouts, capacity: Capacity, trusted_hops: int, host: str
) -> Iterator[tuple[Edge, Doubles]]:
    """Envoy, rendered, started and ready."""
    with tempfile.TemporaryDirectory(prefix="tessera-edge-") as name:  # short: sockets go in it
        folder = Path(name)
        sockets = {
            each: str(folder / f"{each}.sock")
            for each in ("authz", "spare", "adapter", "usage", "admin")
        }
        doubles = Doubles.started(
            sockets["authz"], sockets["spare"], sockets["adapter"], sockets["usage"]
        )
        port, observability_port = free_ports(2)
        edge = Edge(
            port=port,
            observability_port=observability_port,
            authz=doubles.authz,
            spare_authz=doubles.spare_authz,
            adapter=doubles.adapter,
            usage=doubles.usage,
            access_log=folder / "access.log",
            failures=folder / "failures.jsonl",
            admin=Path(sockets["admin"]),
        )
        config = render_local(
            public=TcpAddress(host, port),
            authz=(UnixSocket(sockets["authz"]), UnixSocket(sockets["spare"])),
            adapter=UnixSocket(sockets["adapter"]),
            usage=UnixSocket(sockets["usage"]),
            admin=UnixSocket(sockets["admin"]),
            observability=TcpAddress("127.0.0.1", observability_port),
            access_log=str(edge.access_log),
            failures=str(edge.failures),
            timeouts=timeouts,
            capacity=capacity,
            trusted_hops=trusted_hops,
        )
        with _envoy(config, folder) as log:
            wait_until(lambda: is_ready(observability_port), log.read_text)
            yield edge, doubles
        doubles.stop()


@pytest.fixture
def edge(running_edge: tuple[Edge, Doubles]) -> Edge:
    """The module's Envoy, with friendly, forgetful doubles behind it."""
    edge, doubles = running_edge
    doubles.reset()
    return edge


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def is_ready(port: int) -> bool:
    """Tell whether Envoy says that it is ready."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as response:
            return bool(response.status == 200)
    except (HTTPError, URLError, OSError):
        return False


@contextmanager
def _envoy(config: str, folder: Path) -> Iterator[Path]:
    """Run Envoy with a configuration; yields its log."""
    path, log = folder / "envoy.yaml", folder / "envoy.log"
    path.write_text(config)
    flags = ["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "50"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [envoy_program(), "-c", str(path), *flags], stdout=output, stderr=output
        )
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)
