"""The command, and repositories of a small Qwen3."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from inference.command.app import app
from tests.inference.model.conftest import serve_triton
from tests.inference.model.qwen3_checkpoint import write_qwen3


def model(*arguments: object) -> Result:
    """Run `tessera model` within this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tessera(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `tessera` as people do."""
    argv = (sys.executable, "-m", "cli", *(str(argument) for argument in arguments))
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Qwen3 in two shards of bfloat16, of few positions: each bucket is compiled."""
    folder = tmp_path_factory.mktemp("qwen3") / "Tiny"
    return write_qwen3(folder, {"max_position_embeddings": 40}, dtype="BF16", shards=2)


@pytest.fixture(scope="session")
def compiled(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of it for ONNX Runtime, which no test changes."""
    out = tmp_path_factory.mktemp("repository")
    done = model("compile", checkpoint, "--engine=onnxruntime", f"--out={out}", "--id=tests/tiny")
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="session")
def triton(compiled: Path) -> Iterator[str]:
    """The address of a real Triton that serves it."""
    with serve_triton(compiled) as client:
        yield client.address


@pytest.fixture
def repository(compiled: Path, tmp_path: Path) -> Path:
    """The same, for one test to damage."""
    return Path(shutil.copytree(compiled, tmp_path / "repository", symlinks=True))
