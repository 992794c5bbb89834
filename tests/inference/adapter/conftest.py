"""What the adapter's tests stand on: a tokenizer, a scripted Triton, and a real one."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contract.tokens import RequestTokenizer
from inference.checkpoint.known import MINILM, packaged_checkpoint
from inference.repository.build import build_repository
from stack import triton
from stack.ports import free_ports
from stack.process import Probe
from stack.spawn import spawn
from stack.triton import Triton
from tests.contract.model_folder import write_model_folder
from tests.inference.adapter.triton_double import TritonDouble, serve_triton_double
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the local model's card and tokenizer."""
    return write_model_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tokenizer(model_folder: Path) -> RequestTokenizer:
    """The tokenizer of the local model."""
    return RequestTokenizer.read(model_folder)


@pytest.fixture
async def triton_double() -> AsyncIterator[TritonDouble]:
    """A Triton that follows a script, listening."""
    double = TritonDouble()
    async with serve_triton_double(double):
        yield double


@pytest.fixture(scope="session")
def triton_address() -> Iterator[str]:
    """The address of a real Triton that serves the real model."""
    with tempfile.TemporaryDirectory(prefix="tessera-triton-") as folder:
        build_repository(MINILM, packaged_checkpoint(), Path(folder, "model"))
        server = Triton(Path(folder, "model", "triton"), Path(folder, "backends"), *free_ports(3))
        triton.assemble_backends(server)
        log = Path(folder, "triton.log")
        process = triton.describe(server, log)
        spawned = spawn(process.command, log, stop_seconds=process.stop_seconds)
        try:
            wait_until(lambda: asyncio.run(_ask(process.ready)), log.read_text, 60)
            yield server.address
        finally:
            spawned.stop()
            spawned.wait(timeout_seconds=20)
            triton.remove_shared_memory(server.backends)


async def _ask(probe: Probe) -> bool:
    return await probe()
