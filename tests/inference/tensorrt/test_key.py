"""What names an engine."""

from dataclasses import replace

import pytest

from inference.tensorrt.compiler import Identity, Range
from inference.tensorrt.key import EngineKey
from inference.variant import Form, Precision

_KEY = EngineKey(
    Identity("tensorrt", "11.0", "sm90"),
    "revision",
    Precision.BF16,
    Form.PADDED,
    ({"rows": Range(1, 64, 64), "longest": Range(1, 32, 32)},),
    "graph",
)


def test_a_key_is_the_same_in_every_process() -> None:
    """Or each would build the engine again: the text is written down here."""
    assert _KEY.digest == "73a1abed95a12c2d"


@pytest.mark.parametrize(
    "other",
    [
        replace(_KEY, identity=Identity("tensorrt-rtx", "11.0", "sm90")),
        replace(_KEY, identity=Identity("tensorrt", "11.1", "sm90")),
        replace(_KEY, identity=Identity("tensorrt", "11.0", "sm89")),
        replace(_KEY, revision="another"),
        replace(_KEY, precision=Precision.FP8),
        replace(_KEY, form=Form.PACKED),
        replace(_KEY, profiles=({"rows": Range(1, 8, 64), "longest": Range(1, 32, 32)},)),
        replace(_KEY, graph="another"),
    ],
    ids=["library", "version", "GPU", "revision", "precision", "form", "profiles", "graph"],
)
def test_whatever_differs_is_another_engine(other: EngineKey) -> None:
    """A plan runs where, and is what, it was compiled for."""
    assert other.digest != _KEY.digest
