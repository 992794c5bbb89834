"""`tessera model` as people type it: it is `python -m inference model`, in every respect."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.inference.command.conftest import model, tessera
from tests.inference.model.qwen3_checkpoint import write_qwen3


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Qwen3."""
    return write_qwen3(tmp_path_factory.mktemp("qwen3") / "Tiny")


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder whose stack, if one is left, is stopped."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        yield Path(folder)
        tessera("down", "--state", folder)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspect", "--help"], 0),
        (["inspect", "--quick", "--json", "CHECKPOINT"], 0),
        (["compile", "CHECKPOINT", "--no-such-option"], 2),
    ],
)
def test_arguments_output_and_exit_code_pass_unchanged(
    checkpoint: Path, arguments: list[str], code: int
) -> None:
    """In both directions, help and mistakes among them."""
    arguments = [str(checkpoint) if each == "CHECKPOINT" else each for each in arguments]
    argv = (sys.executable, "-m", "inference", "model", *arguments)
    direct = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    passed = tessera("model", *arguments)
    found = (passed.returncode, passed.stdout, passed.stderr)
    assert found == (direct.returncode, direct.stdout, direct.stderr)
    assert direct.returncode == code


def test_ctrl_c_ends_it_without_a_traceback(checkpoint: Path, tmp_path: Path) -> None:
    """With the exit code that shells expect."""
    out = tmp_path / "out"
    (out / "cache").mkdir(parents=True)
    with _held(out / "cache"):
        options = ("--engine=onnxruntime", f"--out={out}")
        argv = (sys.executable, "-m", "cli", "model", "compile", str(checkpoint), *options)
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as command:
            assert command.stderr is not None
            assert command.stderr.readline() == "waiting for another compilation ...\n"
            os.kill(command.pid, signal.SIGINT)
            assert (command.wait(20), command.stderr.read()) == (130, "")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold what a build would work in."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def test_a_compiled_model_is_served_by_the_whole_product(
    checkpoint: Path, state: Path, tmp_path: Path
) -> None:
    """From a checkpoint to an answer through Envoy, which passes the model's name on."""
    out = tmp_path / "repository"
    options = ("--engine=onnxruntime", f"--out={out}", "--id=tests/tiny")
    assert model("compile", checkpoint, *options).exit_code == 0
    up = tessera("model", "serve", out, "--state", state, "--port", 0, "--detach")
    assert up.returncode == 0, up.stderr
    assert "is an alias for" not in up.stdout
    exports = dict(
        line.removeprefix("export ").split("=", 1)
        for line in (state / "env").read_text().splitlines()
    )
    base, key = (exports[name].strip("'") for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"))
    answer = httpx.post(
        f"{base}/embeddings",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "tests/tiny", "input": "the quick brown fox"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.headers["tessera-model-fingerprint"]) == 16
    assert answer.json()["usage"]["prompt_tokens"] == 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "is no model repository"),
        ("{}", "is damaged"),
        ('{"variant": {"engine": "tensorrt"}}', "serve it in NVIDIA's Triton container"),
    ],
)
def test_what_cannot_be_served_here_is_said_at_once(
    tmp_path: Path, content: str | None, sentence: str
) -> None:
    """Before anything is started."""
    if content is not None:
        (tmp_path / "card").mkdir()
        (tmp_path / "card/serving.json").write_text(content)
    served = tessera("model", "serve", tmp_path, "--state", tmp_path / "state", "--port", 0)
    assert (served.returncode, sentence in served.stderr) == (1, True), served.stderr
