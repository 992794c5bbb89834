"""Batches as Triton takes them, for each way in which a model is served."""

import numpy as np
import pytest
from tritonclient.grpc.service_pb2 import ModelInferRequest

from inference.adapter.embedder import Batch
from inference.adapter.scheduler.lane import Lane
from inference.adapter.wire import Wire
from inference.serving import Bucket, Serving
from inference.variant import Engine, Form, Precision, Variant

BATCH = Batch(([101, 5, 102], [101, 102]))
BUCKETS = (Bucket(4, 8), Bucket(8, 4))


def serving(engine: Engine, form: Form, buckets: tuple[Bucket, ...] = ()) -> Serving:
    """A model that is served so."""
    return Serving(Variant(engine, form, Precision.BF16), buckets, 8, 32, "")


def shapes(request: ModelInferRequest) -> dict[str, list[int]]:
    """The shape of each tensor."""
    assert {each.datatype for each in request.inputs} == {"INT32"}
    return {each.name: list(each.shape) for each in request.inputs}


def numbers(request: ModelInferRequest) -> list[list[int]]:
    """What each tensor holds."""
    return [np.frombuffer(raw, "<i4").tolist() for raw in request.raw_input_contents]


@pytest.mark.parametrize(
    "served",
    [
        None,
        serving(Engine.ONNXRUNTIME, Form.PADDED),
        serving(Engine.TORCH, Form.PADDED),
        serving(Engine.TORCH, Form.PACKED),
    ],
)
def test_without_buckets_rows_are_padded_to_the_longest(served: Serving | None) -> None:
    """Token ids padded on the right, and the lengths without the padding."""
    (request,) = Wire.plan(served).write(BATCH)
    assert request.model_name == "embedder"
    assert shapes(request) == {"input_ids": [2, 3], "lengths": [2, 1]}
    assert numbers(request) == [[101, 5, 102, 101, 102, 0], [3, 2]]
    assert not request.parameters


def test_with_buckets_rows_are_padded_to_the_shortest_that_holds_them() -> None:
    """The engine has a profile for that length, and for none between."""
    wire = Wire.plan(serving(Engine.TENSORRT, Form.PADDED, BUCKETS))
    (request,) = wire.write(BATCH)
    assert shapes(request) == {"input_ids": [2, 4], "lengths": [2, 1]}
    assert numbers(request) == [[101, 5, 102, 0, 101, 102, 0, 0], [3, 2]]
    assert not request.parameters
    lengths = [shapes(wire.write(Batch(([7] * tokens,)))[0])["input_ids"] for tokens in (4, 5, 8)]
    assert lengths == [[1, 4], [1, 8], [1, 8]]


def test_a_row_that_no_bucket_holds_is_sent_as_it_is() -> None:
    """The engine has the last word on what it can run."""
    wire = Wire.plan(serving(Engine.TENSORRT, Form.PADDED, BUCKETS))
    (request,) = wire.write(Batch(([7] * 9,)))
    assert shapes(request)["input_ids"] == [1, 9]


@pytest.mark.parametrize(("lane", "priority"), [(Lane.SHORT, 1), (Lane.BULK, 2)])
def test_what_triton_packs_itself_is_sent_row_by_row(lane: Lane, priority: int) -> None:
    """Without padding or lengths, which it works out, and with the lane as the priority."""
    wire = Wire.plan(serving(Engine.TENSORRT, Form.PACKED))
    first, second = wire.write(Batch(BATCH.sequences, lane))
    assert [shapes(each) for each in (first, second)] == [
        {"input_ids": [1, 3]},
        {"input_ids": [1, 2]},
    ]
    assert [numbers(each) for each in (first, second)] == [[[101, 5, 102]], [[101, 102]]]
    assert [each.parameters["priority"].uint64_param for each in (first, second)] == [priority] * 2
