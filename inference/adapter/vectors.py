"""Arithmetic on rows of vectors."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.adapter.embedder import EmbedderError, FailureKind, Vectors

NO_EMBEDDING: Final = "a vector is not finite or not of unit length"
_SQUARE_TOLERANCE: Final = 0.01


def require_unit_rows(vectors: Vectors) -> Vectors:
    """Return the rows unless one of them is no embedding.

    Raises:
        EmbedderError: a row holds NaN or infinity, or is not of unit length.
    """
    if find_unit_rows(vectors).all():
        return vectors
    raise EmbedderError(FailureKind.FAULTY, NO_EMBEDDING)


def find_unit_rows(vectors: Vectors) -> NDArray[np.bool_]:
    """Tell of each row whether it is an embedding."""
    # NaN compares false, so one sum a row finds every kind of bad row.
    is_unit: NDArray[np.bool_] = np.abs(_squares(vectors) - 1) < _SQUARE_TOLERANCE
    return is_unit


def cut(vectors: Vectors, dimensions: int | None) -> Vectors:
    """Return the first `dimensions` components, made unit length again.

    Raises:
        EmbedderError: all of a row's first components are zero.
    """
    if dimensions is None or dimensions == vectors.shape[1]:
        return vectors
    head = vectors[:, :dimensions]
    lengths = np.sqrt(_squares(head))
    if not lengths.all():
        raise EmbedderError(FailureKind.FAULTY, f"a vector is zero in its first {dimensions}")
    return np.divide(head, lengths[:, np.newaxis], dtype=np.float32)


def _squares(vectors: Vectors) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", vectors, vectors)
    return squares
