"""`tessera model compile`: what can be foreseen is said before anything is done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import packaged_checkpoint
from inference.repository.needs import estimate, lacking
from inference.tensorrt.room import Room
from inference.variant import Engine, Precision
from tests.inference.command.conftest import model
from tests.inference.model.qwen3_checkpoint import write_qwen3

Damage = Callable[[Path], object]

_SHARD: Final = "model-00002-of-00002.safetensors"


def _cut(folder: Path) -> None:
    shard = folder / _SHARD
    shard.write_bytes(shard.read_bytes()[:-100])


def _change(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


_DAMAGE: Final[list[tuple[Damage, str]]] = [
    (_cut, f"{_SHARD} is truncated: 100 of"),
    (lambda folder: (folder / _SHARD).unlink(), f"names {_SHARD}, which is missing"),
    (lambda folder: _change(folder, num_hidden_layers=3), "holds no tensor 'layers.2."),
    (lambda folder: _change(folder, model_type="llama"), "model_type is 'llama', not one of"),
    (lambda folder: (folder / "config.json").unlink(), "there is no"),
    (lambda folder: (folder / "tokenizer.json").unlink(), "there is no"),
    (lambda folder: (folder / "tokenizer.json").write_text("[]"), "is no tokenizer"),
]


@pytest.mark.parametrize(("damage", "sentence"), _DAMAGE)
def test_a_damaged_checkpoint_is_refused_in_a_sentence(
    tmp_path: Path, damage: Damage, sentence: str
) -> None:
    """Which names the file; nothing is written."""
    folder = write_qwen3(tmp_path / "damaged", dtype="BF16", shards=2)
    damage(folder)
    out = tmp_path / "out"
    done = model("compile", folder, "--engine=onnxruntime", f"--out={out}")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1), done.output
    assert done.stderr.startswith("tessera: the checkpoint cannot be used: ")
    assert sentence in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--engine=onnxruntime", "--precision=bf16"], "onnxruntime computes in fp32 here"),
        (["--engine=torch", "--precision=fp16"], "torch computes in bf16 or fp32 or fp8 here"),
        (["--engine=onnxruntime", "--form=packed"], "the packed form is TensorRT's"),
        (["--engine=tensorrt", "--target=sm89", "--precision=fp8"], "fp8 needs"),
        (["--engine=tensorrt"], "TensorRT-RTX compiles for one of"),
        (["--engine=tensorrt", "--target=sm90"], "and not for sm90"),
        (["--engine=onnxruntime", "--context=41"], "has 40 positions, not 41"),
        (["--engine=onnxruntime", "--id=a b"], "'a b' is no model's id"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(
    checkpoint: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    """That says what can."""
    out = tmp_path / "out"
    done = model("compile", checkpoint, f"--out={out}", *options)
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1), done.output
    assert sentence in done.stderr
    assert not out.exists()


def test_pytorch_is_refused_for_a_bert(tmp_path: Path) -> None:
    """With the engine that can."""
    done = model("compile", packaged_checkpoint(), "--engine=torch", f"--out={tmp_path / 'out'}")
    assert (done.exit_code, "--engine onnxruntime" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        (Room(memory=2**20, disk=2**60), "of memory, of which 1.0 MB are free"),
        (Room(memory=2**60, disk=2**20), "of disk, of which 1.0 MB are free"),
    ],
)
def test_too_small_a_machine_is_said_before(checkpoint: Path, free: Room, sentence: str) -> None:
    """How much it takes, and how much there is."""
    opened = Checkpoint.open(checkpoint)
    need = estimate(opened, Engine.TENSORRT, Precision.BF16)
    assert sentence in (lacking(need, free) or "")


def test_a_folder_in_use_for_something_else_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    """Its own files stay as they are; the checkpoint's own folder is no place either."""
    (tmp_path / "card").mkdir()
    places = ((tmp_path, "holds card, which is not ours"), (checkpoint / "x", "own folder"))
    for out, sentence in places:
        done = model("compile", checkpoint, "--engine=onnxruntime", f"--out={out}")
        assert (done.exit_code, sentence in done.stderr) == (1, True), done.output
    assert list(tmp_path.iterdir()) == [tmp_path / "card"]


def test_a_second_run_has_nothing_to_do(checkpoint: Path, compiled: Path) -> None:
    """It says so, and where to go on."""
    done = model(
        *("compile", checkpoint, "--engine=onnxruntime", f"--out={compiled}", "--id=tests/tiny")
    )
    assert done.exit_code == 0
    assert f"Nothing to do for {compiled}" in done.output
    assert f"tessera model verify {compiled}" in done.output


def test_a_bert_is_compiled_too(tmp_path: Path) -> None:
    """With the name that it is given."""
    arguments = ("--engine=onnxruntime", f"--out={tmp_path}", "--id=tests/minilm")
    done = model("compile", packaged_checkpoint(), *arguments)
    assert (done.exit_code, "tests/minilm" in done.output) == (0, True)
    assert model("verify", tmp_path).exit_code == 0
