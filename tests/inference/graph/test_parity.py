"""Our graph of a Qwen3 gives the vectors that Hugging Face transformers gives."""

from typing import Final

import numpy as np
import onnxruntime
import pytest

from inference.engine.rows import Vectors
from tests.inference.graph.conftest import References, Texts
from tests.inference.graph.run import embed, embed_in_batches
from tests.inference.graph.shapes import BFLOAT16, PUBLISHED, SHAPES

_ERROR_MAX: Final = 1e-5
"""A wrong epsilon moves no cosine as far as a component."""
_BFLOAT16_COSINE_MIN: Final = 0.999

each_shape = pytest.mark.parametrize("shape", SHAPES)
Sessions = dict[str, onnxruntime.InferenceSession]


def _error(ours: Vectors, theirs: Vectors) -> float:
    return float(np.abs(ours - theirs).max())  # that of a NaN is below no bound


@pytest.mark.parametrize("shape", [PUBLISHED])
def test_a_text_of_any_length_alone(
    sessions: Sessions, texts: Texts, references: References, shape: str
) -> None:
    """All lengths from 1 to 600."""
    vectors = embed_in_batches(sessions[shape], texts.beginnings, size=1)
    assert _error(vectors, references.beginnings[shape]) <= _ERROR_MAX


@each_shape
def test_a_text_of_any_length_in_a_batch(
    sessions: Sessions, texts: Texts, references: References, shape: str
) -> None:
    """All lengths from 1 to 600, each beside others and padded with junk."""
    vectors = embed_in_batches(sessions[shape], texts.beginnings, size=30)
    assert _error(vectors, references.beginnings[shape]) <= _ERROR_MAX


@each_shape
def test_texts_that_end_in_the_end_token(
    sessions: Sessions, texts: Texts, references: References, shape: str
) -> None:
    """As the tokenizer's post-processor leaves them; the short and the long in one batch."""
    assert _error(embed(sessions[shape], texts.ended), references.ended[shape]) <= _ERROR_MAX


@each_shape
def test_every_width(sessions: Sessions, texts: Texts, references: References, shape: str) -> None:
    """The first numbers of a vector, scaled to length 1 again, are as near."""
    ours, theirs = embed(sessions[shape], texts.ended), references.ended[shape]
    for width in range(32, theirs.shape[1] + 1):
        assert _error(_cut(ours, width), _cut(theirs, width)) <= _ERROR_MAX


def _cut(vectors: Vectors, width: int) -> Vectors:
    cut = vectors[:, :width]
    return np.asarray(cut / np.linalg.norm(cut, axis=1, keepdims=True))


def test_a_reference_in_bfloat16_is_near(
    sessions: Sessions, texts: Texts, references: References
) -> None:
    """As near as those numbers allow, and not the same, or nothing was compared."""
    cosines = (embed(sessions[BFLOAT16], texts.ended) * references.lowered).sum(axis=1)
    assert _BFLOAT16_COSINE_MIN <= cosines.min() < 1 - 1e-6


@each_shape
def test_no_two_texts_have_one_vector(references: References, shape: str) -> None:
    """To agree with a reference that answers all alike would say nothing."""
    vectors = references.ended[shape]
    distances = np.linalg.norm(vectors[:, np.newaxis] - vectors, axis=2)
    assert (distances + 2 * np.eye(len(vectors))).min() > 1e-2


def test_a_vector_is_the_same_alone_or_in_any_batch(sessions: Sessions, texts: Texts) -> None:
    """To the last bit, wherever in the batch it stands, and whatever pads it."""
    alone = embed_in_batches(sessions[PUBLISHED], texts.ended, size=1)
    order = np.random.default_rng(4).permutation(len(texts.ended))
    together = embed(sessions[PUBLISHED], [texts.ended[place] for place in order])
    assert np.array_equal(together, alone[order])
