"""Arithmetic on rows of vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.embedder import EmbedderError, FailureKind, Vectors
from inference.adapter.vectors import cut, require_unit_rows
from tests.inference.adapter.fake_embedder import vector_of


def rows(count: int) -> Vectors:
    """Unit vectors."""
    return np.stack([vector_of([number]) for number in range(count)])


def test_unit_rows_pass_unchanged() -> None:
    """What the model gave is what the client gets, bit for bit."""
    vectors = rows(3)
    assert require_unit_rows(vectors) is vectors


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.5])
def test_a_row_that_is_no_unit_vector_is_an_error(value: float) -> None:
    """NaN, infinity and lost normalisation never reach a client."""
    vectors = rows(3)
    vectors[1, 5] = value
    with pytest.raises(EmbedderError) as caught:
        require_unit_rows(vectors)
    assert caught.value.kind is FailureKind.FAULTY


def test_a_row_of_zeros_is_an_error() -> None:
    """A vector without a direction is no embedding."""
    with pytest.raises(EmbedderError):
        require_unit_rows(np.zeros((1, 384), dtype=np.float32))


@given(st.integers(1, 384))
def test_a_cut_vector_is_the_head_made_unit_length(dimensions: int) -> None:
    """As OpenAI cuts: slice, then renormalise; the direction of the head is kept."""
    whole = rows(2)
    head = whole[:, :dimensions].astype(np.float64)
    expected = head / np.linalg.norm(head, axis=1, keepdims=True)
    result = cut(whole, dimensions)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_the_full_width_is_not_touched() -> None:
    """Asking for the model's own width is asking for nothing."""
    vectors = rows(2)
    assert cut(vectors, 384) is vectors
    assert cut(vectors, None) is vectors


def test_a_head_of_zeros_is_an_error() -> None:
    """It cannot be made unit length, and NaN is no answer."""
    vectors = np.zeros((1, 384), dtype=np.float32)
    vectors[0, 100] = 1
    with pytest.raises(EmbedderError):
        cut(vectors, 50)
