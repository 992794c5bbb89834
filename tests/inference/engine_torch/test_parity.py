"""The model in PyTorch gives what transformers gives."""

from typing import Final

import numpy as np
import pytest

from inference.engine.rows import Vectors
from tests.inference.engine_torch.conftest import ALL, FEW, LONGEST, SHAPES_TRIED
from tests.inference.engine_torch.jobs import Done

_ERROR_MAX: Final = 1e-5
_BF16_COSINE_MIN: Final = 0.999
_FP8_COSINE_MIN: Final = 0.99

each_shape = pytest.mark.parametrize("shape", SHAPES_TRIED)


def _cosines(one: Vectors, other: Vectors) -> Vectors:
    return np.asarray((one * other).sum(axis=1))


@each_shape
@pytest.mark.parametrize("runs", ["single", "packed"])
def test_vectors_are_the_references(
    done: Done, references: dict[str, Vectors], shape: str, runs: str
) -> None:
    """To the last digits, alone or among others, and for every length from 1 to 600."""
    reference = references[shape][ALL if shape == "tiny" else FEW]
    assert np.abs(done.vectors[f"{shape}: {runs}"] - reference).max() <= _ERROR_MAX


@each_shape
def test_different_texts_have_different_vectors(references: dict[str, Vectors], shape: str) -> None:
    """Else to agree with the reference would say nothing."""
    chosen = references[shape][FEW]
    assert (chosen @ chosen.T - 2 * np.eye(len(chosen))).max() < _BF16_COSINE_MIN


def test_bfloat16_is_near(done: Done) -> None:
    """As near as the numbers allow."""
    cosines = _cosines(done.vectors["bf16"], done.vectors["few"])
    assert cosines.min() >= _BF16_COSINE_MIN


def test_8_bits_are_near(done: Done) -> None:
    """They have a bar of their own."""
    cosines = _cosines(done.vectors["fp8"], done.vectors["few"])
    assert _FP8_COSINE_MIN <= cosines.min() < _BF16_COSINE_MIN


def test_weights_in_single_precision_are_read_too(done: Done) -> None:
    """The same numbers, from one file, give the same vectors."""
    assert np.array_equal(done.vectors["float32"], done.vectors["few"])


@pytest.mark.parametrize("job", ["tiny: packed", "bf16", "fp8"])
def test_vectors_have_length_1(done: Done, job: str) -> None:
    """In single precision, whatever the layers compute in."""
    assert np.abs(np.linalg.norm(done.vectors[job], axis=1) - 1).max() < 1e-6


def test_a_nan_spoils_its_own_sequence_alone(done: Done) -> None:
    """Its rows say so in every number, and their neighbours are what they would be without it."""
    lengths = np.array(FEW) % LONGEST + 1
    meets_it = (np.array(FEW) >= LONGEST) & (lengths >= 300)
    assert meets_it.sum() == 5
    assert np.isnan(done.vectors["nan"][meets_it]).all()
    assert np.array_equal(done.vectors["nan"][~meets_it], done.vectors["few"][~meets_it])


@pytest.mark.parametrize(
    ("job", "complaint"),
    [
        ("fp16", "this model overflows: take bf16"),
        ("cuda", "PyTorch sees no GPU"),
        ("bert", "holds no Qwen3, and PyTorch runs nothing else here: take onnxruntime"),
        ("cut", "is truncated: 4 of"),
    ],
)
def test_what_cannot_run_is_said_in_a_sentence(done: Done, job: str, complaint: str) -> None:
    """Before anything is served."""
    assert complaint in done.errors[job]


def test_nothing_else_is_refused(done: Done) -> None:
    """Each other job gave vectors."""
    assert sorted(done.errors) == ["bert", "cuda", "cut", "fp16"]
