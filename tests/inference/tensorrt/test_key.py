"""What names an engine."""

from dataclasses import replace

import pytest

from inference.serving import Bucket
from inference.tensorrt.compiler import Identity
from inference.tensorrt.key import EngineKey
from inference.variant import Form, Precision

_KEY = EngineKey(
    Identity("tensorrt", "11.0", "sm90"),
    "revision",
    Precision.BF16,
    Form.PADDED,
    (Bucket(32, 64), Bucket(64, 64)),
    "graph",
)


def test_a_key_is_the_same_in_every_process() -> None:
    """Or each would build the engine again: the text is written down here."""
    assert _KEY.digest == "eae1b23b92c80afc"


@pytest.mark.parametrize(
    "other",
    [
        replace(_KEY, identity=Identity("tensorrt-rtx", "11.0", "sm90")),
        replace(_KEY, identity=Identity("tensorrt", "11.1", "sm90")),
        replace(_KEY, identity=Identity("tensorrt", "11.0", "sm89")),
        replace(_KEY, revision="another"),
        replace(_KEY, precision=Precision.FP8),
        replace(_KEY, form=Form.PACKED),
        replace(_KEY, buckets=(Bucket(32, 64), Bucket(64, 63))),
        replace(_KEY, graph="another"),
    ],
    ids=["library", "version", "GPU", "revision", "precision", "form", "buckets", "graph"],
)
def test_whatever_differs_is_another_engine(other: EngineKey) -> None:
    """A plan runs where, and is what, it was compiled for."""
    assert other.digest != _KEY.digest
