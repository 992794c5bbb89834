"""How far layers reach is measured, not guessed."""

import math
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import Tensor
from inference.graph.scales import Reach, Scales
from inference.progress import Silent
from inference.tensorrt import calibrate
from inference.tensorrt.reach import CalibrationError, measure_reaches, measure_weight
from tests.inference.model.checkpoints import bfloat16_bits
from tests.inference.model.qwen3_checkpoint import random_arrays, write_qwen3, write_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint whose tokenizer knows a few words."""
    write_qwen3(tmp_path / "qwen3", {"num_hidden_layers": 1}, dtype="BF16")
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "one": 1, "two": 2, "many": 3, "far": 9}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "qwen3" / "tokenizer.json"))
    return tmp_path / "qwen3"


def test_the_first_layers_input_reaches_as_far_as_computed_by_hand(folder: Path) -> None:
    """Its tokens' vectors, normalised; and its weights, rounded as they are stored."""
    arrays = random_arrays(folder)
    reach = measure_reaches(Checkpoint.open(folder), [[5, 7], [9]], Silent())
    stored = {name: _stored(array) for name, array in arrays.items()}
    x = stored["embed_tokens.weight"][[5, 7, 9]]
    normed = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-6)
    expected = Reach(
        float(np.abs(normed * stored["layers.0.input_layernorm.weight"]).max()),
        float(np.abs(stored["layers.0.self_attn.q_proj.weight"]).max()),
    )
    found = reach["layers.0.self_attn.q_proj.weight"]
    assert found.input == pytest.approx(expected.input, rel=1e-5)
    assert found.weight == expected.weight


@pytest.mark.parametrize("dtype", ["<f4", "<f2", "BF16"])
def test_a_weight_reaches_to_its_largest_number_of_either_sign(tmp_path: Path, dtype: str) -> None:
    """Read as the bits that they are."""
    values = np.array([0.5, -3.0, 2.0, -0.0, 1e-7], dtype=np.float32)
    stored = bfloat16_bits(values) if dtype == "BF16" else values.astype(dtype)
    (tmp_path / "weights").write_bytes(b"header" + stored.tobytes())
    name = {"<f4": "F32", "<f2": "F16", "BF16": "BF16"}[dtype]
    tensor = Tensor("weights", "w", name, (5,), 6, stored.nbytes)
    assert measure_weight(tmp_path, tensor) == 3.0


def test_a_number_that_is_not_finite_is_refused(folder: Path) -> None:
    """Scaled by it, every vector would be zero or nothing."""
    arrays = random_arrays(folder)
    arrays["layers.0.mlp.up_proj.weight"][0, 0] = math.nan
    write_weights(folder, arrays)
    with pytest.raises(CalibrationError, match=r"mlp\.\w+_proj\.weight computes with a number"):
        measure_reaches(Checkpoint.open(folder), [[5]], Silent())


def test_a_text_that_no_vector_comes_of_is_not_passed_over(folder: Path) -> None:
    """Though others are well: a NaN is larger than nothing, and smaller than nothing."""
    arrays = random_arrays(folder)
    arrays["embed_tokens.weight"][5] = math.nan
    write_weights(folder, arrays)
    with pytest.raises(CalibrationError, match="not finite"):
        measure_reaches(Checkpoint.open(folder), [[5], [6]], Silent())


def test_without_a_text_nothing_is_measured(folder: Path) -> None:
    """Scales of nothing would cut everything off."""
    with pytest.raises(CalibrationError, match="no text"):
        measure_reaches(Checkpoint.open(folder), [], Silent())


def test_the_command_writes_scales_of_the_checkpoint(folder: Path, tmp_path: Path) -> None:
    """They are those of these texts, cut where it was said, and of this checkpoint alone."""
    (tmp_path / "texts").write_text("one two\nmany many far far\n")
    out = tmp_path / "fp8.json"
    calibrate.main([str(folder), str(tmp_path / "texts"), "--out", str(out), "--tokens-max", "2"])
    checkpoint = Checkpoint.open(folder)
    scales = Scales.read(out, find_revision(checkpoint, Digests(), Silent()))
    assert scales.reaches == measure_reaches(checkpoint, [[1, 2], [3, 3]], Silent())
    assert scales.made_by == "onnxruntime, 2 texts of up to 2 tokens"


@pytest.mark.parametrize(
    ("texts", "options", "tokenizer", "sentence"),
    [
        (b"\xff", [], None, "can't decode"),
        (b"one", [], "[]", "is no tokenizer"),
        (b" \n\n", [], None, "there is no text"),
        (b"one two " * 400, ["--tokens-max", "700"], None, "the model knows 1..640 positions"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    folder: Path, texts: bytes, options: list[str], tokenizer: str | None, sentence: str
) -> None:
    """And nothing is written."""
    (folder / "texts").write_bytes(texts)
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(tokenizer)
    out = folder / "fp8.json"
    with pytest.raises(SystemExit, match=sentence):
        calibrate.main([str(folder), str(folder / "texts"), "--out", str(out), *options])
    assert not out.exists()


def test_without_nvidias_optimizer_it_is_said_what_is_missing(folder: Path, tmp_path: Path) -> None:
    """In one sentence, and nothing is written."""
    (tmp_path / "texts").write_text("one\n")
    out = tmp_path / "fp8.json"
    with pytest.raises(SystemExit, match="is not installed here: NVIDIA's model optimizer needs"):
        calibrate.main(
            [str(folder), str(tmp_path / "texts"), "--out", str(out), "--by", "modelopt"]
        )
    assert not out.exists()


def _stored(
    array: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return (bfloat16_bits(array).astype(np.uint32) << 16).view(np.float32)
