"""`tessera model inspect`."""

import json
from pathlib import Path

from inference.checkpoint.known import packaged_checkpoint
from tests.inference.command.conftest import model
from tests.inference.model.qwen3_checkpoint import write_qwen3


def test_a_checkpoint_is_described(checkpoint: Path) -> None:
    """What it is, how big, and what each engine would take."""
    shown = model("inspect", checkpoint)
    assert shown.exit_code == 0
    for fact in ("Qwen3Model", "layers 2, heads 4", "BF16", "model-00002-of-00002.safetensors"):
        assert fact in shown.output
    for engine in ("onnxruntime  fp32", "tensorrt     bf16", "torch        bf16"):
        assert engine in shown.output


def test_programs_get_the_same_as_json(checkpoint: Path) -> None:
    """Numbers as numbers, sizes in bytes."""
    found = json.loads(model("inspect", "--json", checkpoint).output)
    assert found["parameters"] == 81_024
    assert found["bytes"] == sum(found["files"].values())
    assert found["sizes"]["kv_heads"] == 2
    assert len(found["revision"]) == 64
    assert [need["engine"] for need in found["engines"]] == ["onnxruntime", "tensorrt", "torch"]
    assert found["problems"] == []


def test_only_engines_that_run_it_are_listed() -> None:
    """PyTorch's runs Qwen3 alone."""
    found = json.loads(model("inspect", "--json", packaged_checkpoint()).output)
    assert [need["engine"] for need in found["engines"]] == ["onnxruntime", "tensorrt"]


def test_quick_reads_no_weights(checkpoint: Path) -> None:
    """So it says no revision."""
    assert json.loads(model("inspect", "--quick", "--json", checkpoint).output)["revision"] is None


def test_a_cached_checkpoint_has_its_own_name(tmp_path: Path) -> None:
    """Hugging Face's cache calls folders after revisions, and theirs after models."""
    folder = tmp_path / "models--Qwen--Qwen3-Embedding-8B" / "snapshots" / "abc"
    folder.parent.mkdir(parents=True)
    write_qwen3(folder)
    found = json.loads(model("inspect", "--quick", "--json", folder).output)
    assert found["id"] == "Qwen/Qwen3-Embedding-8B"


def test_problems_are_told_and_counted_in_the_exit_code(tmp_path: Path) -> None:
    """Each in a sentence."""
    write_qwen3(tmp_path / "broken")
    (tmp_path / "broken/tokenizer.json").write_text("{}")
    shown = model("inspect", "--quick", tmp_path / "broken")
    assert shown.exit_code == 1
    assert "tokenizer.json is no tokenizer" in shown.output


def test_a_missing_tokenizer_is_told_before_the_weights_are_read(tmp_path: Path) -> None:
    """As a problem like any, and not as what ended a long reading."""
    write_qwen3(tmp_path / "broken")
    (tmp_path / "broken/tokenizer.json").unlink()
    found = json.loads(model("inspect", "--json", tmp_path / "broken").output)
    assert found["revision"] is None
    assert "tokenizer.json is no tokenizer: No such file" in found["problems"][0]
