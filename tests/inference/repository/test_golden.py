"""Golden vectors, and the names of what they come from."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from inference.golden import FILE, Golden, golden_of
from inference.provenance import Provenance
from inference.variant import Precision

_VECTORS: Final = np.array([[1, 0, 0], [0.6, 0.8, 0]], dtype=np.float32)
_GOLDEN: Final = golden_of([[1], [2, 3]], _VECTORS, Precision.FP32, "t", "a test")
_ORIGIN: Final = Provenance("m", "r", "t", "mean", "fp32", "tensorrt 11", "padded", "sm89", "s")


def test_golden_vectors_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    """What was written is what will be compared."""
    (tmp_path / FILE).write_bytes(_GOLDEN.dump())
    found = Golden.read(tmp_path)
    assert found is not None
    assert np.array_equal(found.vectors, _VECTORS)
    assert replace(found, vectors=_VECTORS) == replace(_GOLDEN, vectors=_VECTORS)


def test_a_folder_without_golden_vectors_has_none(tmp_path: Path) -> None:
    """A card and a tokenizer alone are a model's folder too."""
    assert Golden.read(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"rows": [{"ids": [1]}]}', b"null"])
def test_damaged_golden_vectors_are_named(tmp_path: Path, content: bytes) -> None:
    """Never taken for none: then nothing would be compared."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"golden\.json is not what was written there"):
        Golden.read(tmp_path)


def test_the_same_vectors_do_not_differ() -> None:
    """Nor do those that only rounding tells apart."""
    assert _GOLDEN.differs(_VECTORS) is None
    assert _GOLDEN.differs(_VECTORS + np.float32(1e-6)) is None


@pytest.mark.parametrize(
    ("row", "vector"),
    [
        *((0, [0, 1, 0]), (1, [0.8, 0.6, 0]), (1, [np.nan, 0, 0]), (0, [np.nan] * 3), (0, [0] * 3)),
        *((0, [1, 5, 0]), (1, [6, 8, 0])),  # far along, and far off or not
    ],
)
def test_one_vector_that_differs_is_named(row: int, vector: list[float]) -> None:
    """Which it is, and how far off; a NaN is no less different for being none."""
    vectors = _VECTORS.copy()
    vectors[row] = vector
    assert (_GOLDEN.differs(vectors) or "").startswith(f"vector {row}, of {row + 1} tokens")


def test_vectors_of_another_width_differ() -> None:
    """Nothing is broadcast."""
    assert _GOLDEN.differs(_VECTORS[:, :2]) == "the vectors have shape (2, 2), not (2, 3)"
    assert _GOLDEN.differs(_VECTORS[:1]) == "the vectors have shape (1, 3), not (2, 3)"


def test_a_lower_precision_has_more_room() -> None:
    """Its rounding is no mistake; in single precision the same would be one."""
    off = np.array([[0.998, 0.0632, 0], [0.6, 0.8, 0]], dtype=np.float32)
    assert _GOLDEN.differs(off) is not None
    assert golden_of([[1], [2, 3]], _VECTORS, Precision.BF16, "t", "a test").differs(off) is None


@pytest.mark.parametrize("name", [field.name for field in fields(Provenance)])
def test_all_that_vectors_depend_on_is_in_the_fingerprint(name: str) -> None:
    """Two that differ in anything are told apart."""
    other: Provenance = replace(_ORIGIN, **{name: "other"})
    assert other.fingerprint != _ORIGIN.fingerprint


def test_a_fingerprint_is_short_and_stays() -> None:
    """It goes into a header, and into other people's logs."""
    assert _ORIGIN.fingerprint == "1acf0c3c654f6a04"


def test_provenance_is_read_back(tmp_path: Path) -> None:
    """In words, so that a fingerprint can be explained."""
    (tmp_path / "provenance.json").write_bytes(_ORIGIN.dump())
    assert Provenance.read(tmp_path) == _ORIGIN
    (tmp_path / "provenance.json").write_bytes(b'{"model": "m"}')
    with pytest.raises(ValueError, match="is not what was written there"):
        Provenance.read(tmp_path)
