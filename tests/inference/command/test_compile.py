"""`tessera model compile`: what can be foreseen is said before anything is done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import typer
from tokenizers import Tokenizer
from tokenizers.models import BPE, WordLevel

from contract.models import ModelCard
from inference.checkpoint.cards import card_of
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import packaged_checkpoint
from inference.command.shown import one_sentence_per_failure
from inference.repository.build import fulfil
from inference.repository.needs import estimate, lacking
from inference.repository.order import Order
from inference.tensorrt.room import Room
from inference.variant import Engine, Precision
from tests.inference.command.conftest import model
from tests.inference.model.qwen3_checkpoint import write_qwen3

Damage = Callable[[Path], object]

_SHARD: Final = "model-00002-of-00002.safetensors"


def _cut(folder: Path) -> None:
    shard = folder / _SHARD
    shard.write_bytes(shard.read_bytes()[:-100])


def _tokenize_with(folder: Path, words: WordLevel | BPE) -> None:
    Tokenizer(words).save(str(folder / "tokenizer.json"))


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
    (lambda folder: _tokenize_with(folder, WordLevel({"[UNK]": 0}, "x")), "is no tokenizer"),
    (lambda folder: _tokenize_with(folder, BPE({"z": 0}, [])), "makes no token of 'a'"),
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
        (["--engine=tensorrt", "--target=sm89", "--precision=fp16"], "Qwen3 overflows in fp16"),
        (["--engine=tensorrt", "--target=sm75"], "sm75 does not compute in bf16, but sm80"),
        (["--engine=tensorrt", "--target=sm86", "--precision=fp8"], "sm86 does not compute in fp8"),
        (["--engine=tensorrt"], "TensorRT-RTX compiles for one of"),
        (["--engine=tensorrt", "--target=sm90"], "and not for sm90"),
        (["--engine=onnxruntime", "--context=41"], "has 40 positions, not 41"),
        (["--engine=onnxruntime", "--id=a b"], "'a b' is no model's id"),
        (["--engine=onnxruntime", "--alias=small", "--alias="], "'' is no model's id"),
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


def test_a_disk_that_is_full_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Writing names no file, so the system's own text would say neither what nor where."""
    with pytest.raises(typer.Exit), one_sentence_per_failure():
        Path("/dev/full").write_bytes(b"any")
    assert capsys.readouterr().err.startswith("tessera: the disk is full; what was there")


def test_a_folder_in_use_for_something_else_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    """Its own files stay as they are; the checkpoint's own folder is no place either."""
    (tmp_path / "card").mkdir()
    places = ((tmp_path, "holds card, which is not ours"), (checkpoint / "x", "own folder"))
    for out, sentence in places:
        done = model("compile", checkpoint, "--engine=onnxruntime", f"--out={out}")
        assert (done.exit_code, sentence in done.stderr) == (1, True), done.output
    assert list(tmp_path.iterdir()) == [tmp_path / "card"]


def test_a_repository_without_golden_vectors_has_none_to_give(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Which is said before anything is compiled."""
    opened = Checkpoint.open(checkpoint)
    fulfil(Order(opened, card_of(opened)), tmp_path / "without", prove=lambda *_: None)
    options = (f"--golden={tmp_path / 'without'}", f"--out={tmp_path / 'out'}")
    done = model("compile", checkpoint, "--engine=onnxruntime", *options)
    assert (done.exit_code, "has no golden vectors" in done.stderr) == (1, True), done.output
    assert not (tmp_path / "out").exists()


def test_a_second_run_has_nothing_to_do(checkpoint: Path, compiled: Path) -> None:
    """It says so, and where to go on."""
    done = model(
        *("compile", checkpoint, "--engine=onnxruntime", f"--out={compiled}", "--id=tests/tiny")
    )
    assert done.exit_code == 0
    assert f"Nothing to do for {compiled}" in done.output
    assert f"tessera model verify {compiled}" in done.output


def test_the_card_says_what_callers_may_send(checkpoint: Path, tmp_path: Path) -> None:
    """Under which names, and whether as token ids."""
    options = ("--id=tests/tiny", "--alias=small", "--alias=tests/other", "--refuse-token-ids")
    model("compile", checkpoint, "--engine=onnxruntime", f"--out={tmp_path}", *options)
    card = ModelCard.read(tmp_path / "card")
    assert (card.id, card.aliases) == ("tests/tiny", ("small", "tests/other"))
    assert not card.token_ids_accepted


def test_a_bert_is_compiled_too(tmp_path: Path) -> None:
    """With the name that it is given."""
    arguments = ("--engine=onnxruntime", f"--out={tmp_path}", "--id=tests/minilm")
    done = model("compile", packaged_checkpoint(), *arguments)
    assert (done.exit_code, "tests/minilm" in done.output) == (0, True)
    assert model("verify", tmp_path).exit_code == 0
