"""What a model's folder says of batches, and what the settings change."""

import pytest

from inference.adapter.batching import Batching
from inference.serving import Bucket, Serving
from inference.variant import Engine, Form, Precision, Variant
from tests.inference.adapter.adapter_server import settings_with


def serving(engine: Engine, form: Form = Form.PADDED) -> Serving:
    """A model with one bucket."""
    variant = Variant(engine, form, Precision.BF16)
    return Serving(variant, (Bucket(64, 16),), rows_max=20, tokens_max=1024, fingerprint="")


def test_a_folder_that_says_nothing_has_batches_of_32_rows_and_2048_tokens() -> None:
    """As the model on one machine has always been served."""
    batching = Batching.plan(None, settings_with())
    (shape,) = batching.shapes.shapes
    assert (shape.length, shape.rows_max, shape.tokens_max) == (None, 32, 2048)


def test_batches_are_as_the_folder_says() -> None:
    """Rows, tokens and buckets are those that the engine was made for."""
    shape = Batching.plan(serving(Engine.TENSORRT), settings_with()).shapes.shapes[0]
    assert (shape.length, shape.rows_max, shape.tokens_max) == (64, 16, 1024)


@pytest.mark.parametrize(
    ("served", "batches"),
    [
        (None, 4),
        (serving(Engine.ONNXRUNTIME), 4),
        (serving(Engine.TENSORRT), 2),
        (serving(Engine.TORCH), 2),
        (serving(Engine.TORCH, Form.PACKED), 2),
        (serving(Engine.TENSORRT, Form.PACKED), 1),
    ],
)
def test_so_many_batches_are_out_as_keep_the_engine_busy(
    served: Serving | None, batches: int
) -> None:
    """One is computed and one waits, for each of its instances; a packed plan holds one in all."""
    assert Batching.plan(served, settings_with()).batches_max == batches


def test_the_settings_go_before_the_folder() -> None:
    """Whoever runs it knows the machine better."""
    settings = settings_with(batch_tokens_max=512, batches_in_flight=7)
    batching = Batching.plan(serving(Engine.TENSORRT), settings)
    assert (batching.batches_max, batching.shapes.tokens_max) == (7, 512)
    assert {shape.tokens_max for shape in batching.shapes.shapes} == {512}
