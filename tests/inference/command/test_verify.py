"""`tessera model verify`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.checkpoint.cards import card_of
from inference.checkpoint.folder import Checkpoint
from inference.golden import Golden
from inference.progress import Progress
from inference.repository.build import fulfil
from inference.repository.order import Order
from inference.repository.proving import make_golden
from inference.repository.verification import Repository
from inference.repository.workshop import Workshop
from stack.ports import free_ports
from tests.inference.command.conftest import model, tessera
from tests.inference.model.qwen3_checkpoint import random_arrays, write_qwen3, write_weights


def _states(*arguments: object) -> tuple[int, dict[str, str]]:
    done = model("verify", "--json", *arguments)
    return done.exit_code, {check["name"]: check["state"] for check in json.loads(done.output)}


def test_a_repository_as_it_was_built_passes(compiled: Path) -> None:
    """Its files byte for byte, its parts among each other, and its model."""
    passed = {"files": "passed", "origin": "passed", "vectors": "passed"}
    assert _states(compiled) == (0, passed)


def test_a_byte_that_differs_is_found(repository: Path) -> None:
    """And the file named; what only compares sizes cannot see it."""
    shard = repository / "triton/embedder/1/model-00001-of-00002.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    done = model("verify", repository)
    assert (done.exit_code, shard.name in done.output) == (1, True)
    assert _states("--quick", repository)[0] == 0


def test_a_file_that_is_cut_is_found_quickly(repository: Path) -> None:
    """By its size."""
    graph = repository / "triton/embedder/1/model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    done = model("verify", "--quick", repository)
    assert (done.exit_code, "model.onnx" in done.output) == (1, True)


def test_a_model_that_gives_other_vectors_is_found(checkpoint: Path, tmp_path: Path) -> None:
    """Although every file is what was built."""

    def mistake(order: Order, workshop: Workshop, progress: Progress) -> Golden:
        golden = make_golden(order, workshop, progress)
        return replace(golden, vectors=np.roll(golden.vectors, 1, axis=1))

    opened = Checkpoint.open(checkpoint)
    fulfil(Order(opened, card_of(opened)), tmp_path, prove=mistake)
    failed = {"files": "passed", "origin": "passed", "vectors": "failed"}
    assert _states(tmp_path) == (1, failed)


def test_another_tokenizer_is_found(repository: Path) -> None:
    """What is counted and embedded would be something else."""
    tokenizer = repository / "card/tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes().replace(b"quick", b"quack"))
    _, states = _states("--quick", repository)
    assert states == {"files": "passed", "origin": "failed"}


def test_a_file_that_nobody_built_is_found(repository: Path) -> None:
    """Triton serves the version with the highest number; what Python leaves there is nothing."""
    version = repository / "triton/embedder"
    (version / "1/__pycache__").mkdir(exist_ok=True)
    (version / "1/__pycache__/model.pyc").touch()
    assert _states("--quick", repository)[0] == 0
    (version / "2").mkdir()
    (version / "2/model.onnx").touch()
    done = model("verify", "--quick", repository)
    assert (done.exit_code, "triton/embedder/2/model.onnx" in done.output) == (1, True)


def test_a_tokenizer_that_is_gone_is_found(repository: Path) -> None:
    """Among the files, like any."""
    (repository / "card/tokenizer.json").unlink()
    assert _states("--quick", repository) == (1, {"files": "failed", "origin": "failed"})


@pytest.mark.parametrize("content", ["", "[]", "{}{"])
def test_a_damaged_manifest_is_said_in_a_sentence(repository: Path, content: str) -> None:
    """And mended by the next build."""
    (repository / "current/manifest.json").write_text(content)
    done = model("verify", repository)
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1), done.output
    assert "manifest.json is not what was written there" in done.stderr


def test_a_plan_that_triton_cannot_load_does_not_pass(checkpoint: Path, tmp_path: Path) -> None:
    """Said before it is compiled, when it is, by what checks it, and by what serves it."""
    options = ("--engine=tensorrt", "--target=sm89", "--context=16", f"--out={tmp_path}")
    done = model("compile", checkpoint, *options)
    assert done.exit_code == 0, done.output
    assert "Triton cannot load a plan of TensorRT-RTX" in done.stderr
    assert "It cannot be served: Triton cannot load a plan of TensorRT-RTX" in done.stdout
    assert _states(tmp_path) == (1, {"files": "passed", "origin": "passed", "engine": "failed"})
    served = tessera("model", "serve", tmp_path, "--state", tmp_path / "state", "--port", 0)
    assert (served.returncode, "which no Triton can load" in served.stderr) == (1, True)


def test_vectors_that_are_none_are_not_kept(tmp_path: Path) -> None:
    """They would be compared for ever, and never agree."""
    folder = write_qwen3(tmp_path / "broken", {"max_position_embeddings": 40})
    arrays = random_arrays(folder)
    arrays["norm.weight"][0] = np.nan
    write_weights(folder, arrays)
    opened, out = Checkpoint.open(folder), tmp_path / "out"
    fulfil(Order(opened, card_of(opened)), out, prove=lambda *_: None)
    done = model("verify", "--write-golden", out)
    assert (done.exit_code, "are not finite" in done.stderr) == (1, True), done.output
    assert Repository.read(out).golden is None


def test_vectors_are_kept_where_there_were_none(checkpoint: Path, tmp_path: Path) -> None:
    """From then on they are compared; nothing else of the build changes."""
    opened = Checkpoint.open(checkpoint)
    fulfil(Order(opened, card_of(opened)), tmp_path, prove=lambda *_: None)
    before = Repository.read(tmp_path)
    assert _states(tmp_path)[1]["vectors"] == "not checked"
    assert _states(tmp_path, "--write-golden")[1]["vectors"] == "passed"
    after = Repository.read(tmp_path)
    assert after.golden is not None
    assert after.golden.made_by.startswith("the model itself, onnxruntime")
    assert after.provenance == before.provenance
    assert _states(tmp_path) == (0, {"files": "passed", "origin": "passed", "vectors": "passed"})


def test_a_running_triton_can_be_asked(compiled: Path, triton: str) -> None:
    """As where an engine runs nowhere else."""
    done = model("verify", compiled, f"--triton={triton}")
    assert (done.exit_code, "6 vectors are those" in done.output) == (0, True), done.output


def test_a_triton_that_is_not_there_is_named(compiled: Path) -> None:
    """That the model could not be asked is no verdict on it, but neither is it a success."""
    (port,) = free_ports(1)
    done = model("verify", compiled, f"--triton=127.0.0.1:{port}")
    assert (done.exit_code, f"Triton at 127.0.0.1:{port} gives" in done.stderr) == (1, True)


def test_what_cannot_be_checked_is_said(checkpoint: Path, tmp_path: Path) -> None:
    """A model of PyTorch where PyTorch is not installed, or one without golden vectors."""
    options = ("--engine=torch", "--device=cpu", f"--out={tmp_path}")
    assert model("compile", checkpoint, *options).exit_code == 0
    done = model("verify", tmp_path)
    assert done.exit_code == 0
    assert "torch is not installed here" in done.output


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    """With an exit code of its own."""
    done = model("verify", tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path} is no repository" in done.stderr
