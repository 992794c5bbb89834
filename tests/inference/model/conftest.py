"""The real model's repository, and a real Triton that serves it: made once for the run."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inference.checkpoint.known import MINILM, packaged_checkpoint
from inference.engine.encoder import Encoder
from inference.repository.build import build_repository
from stack import ports, triton
from stack.process import Probe
from stack.spawn import spawn
from stack.triton import Triton
from tests.golden.vectors import Golden, read_golden
from tests.inference.model.client import TritonClient
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def golden() -> list[Golden]:
    """What the reference implementation says."""
    return read_golden()


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the model that we serve."""
    out = tmp_path_factory.mktemp("repository")
    build_repository(MINILM, packaged_checkpoint(), out)
    return out


@pytest.fixture(scope="session")
def encoder(repository: Path) -> Encoder:
    """The built graph, without Triton."""
    return Encoder.load(repository / "triton/embedder/1/model.onnx", threads=2)


@pytest.fixture(scope="session")
def triton_client(repository: Path) -> Iterator[TritonClient]:
    """A client of a real Triton that serves the model."""
    with serve_triton(repository) as client:
        yield client


@contextmanager
def serve_triton(repository: Path, python: Path = Path(sys.executable)) -> Iterator[TritonClient]:
    """Serve a repository with a real Triton on free ports, its models with a Python's packages."""
    with tempfile.TemporaryDirectory(prefix="tessera-triton-") as folder:
        server = Triton(
            repository / "triton", Path(folder, "backends"), *ports.free_ports(3), python=python
        )
        triton.assemble_backends(server)
        log = Path(folder, "triton.log")
        process = triton.describe(server, log)
        spawned = spawn(process.command, log, stop_seconds=process.stop_seconds)
        client = TritonClient(server.address)
        try:
            wait_until(lambda: asyncio.run(_ask(process.ready)), log.read_text, 60)
            yield client
        finally:
            client.close()
            spawned.stop()
            spawned.wait(timeout_seconds=15)
            triton.remove_shared_memory(server.backends)


async def _ask(probe: Probe) -> bool:
    return await probe()
