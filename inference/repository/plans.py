"""What Triton is told of a model that was compiled with TensorRT."""

from collections.abc import Iterable, Sequence
from typing import Final

from tritonclient.grpc.model_config_pb2 import (
    TYPE_FP32,
    TYPE_INT32,
    BatchInput,
    ModelConfig,
    ModelDynamicBatching,
    ModelInput,
    ModelInstanceGroup,
    ModelOutput,
    ModelQueuePolicy,
    ModelWarmup,
)

from inference import tensors
from inference.serving import Bucket

_PLATFORM: Final = "tensorrt_plan"
_FILE: Final = "model.plan"
_LENGTH_BYTES: Final = 4

PRIORITY_FIRST: Final = 1
"""Short queries; what names no priority comes after them."""
_PRIORITIES: Final = 2
_QUEUE_ROWS_MAX: Final = 4096
_QUEUE_SECONDS: Final = 30
"""As long as the adapter waits for an answer: behind that nobody waits any more."""


def padded_plan(width: int, buckets: Sequence[Bucket]) -> ModelConfig:
    """Run each request by itself, with the profile of its bucket: profile `i` is bucket `i`.

    Triton must never join requests: together they may be more rows of their length than any
    profile holds. So the model has no batch dimension in Triton's eyes (`max_batch_size` is 0, all
    dimensions are listed). With one, its TensorRT backend would add `dynamic_batching` to a
    configuration that has none.
    """
    return ModelConfig(
        name=tensors.MODEL,
        platform=_PLATFORM,
        default_model_filename=_FILE,
        max_batch_size=0,
        input=[
            ModelInput(name=tensors.INPUT_IDS, data_type=TYPE_INT32, dims=[-1, -1]),
            ModelInput(name=tensors.LENGTHS, data_type=TYPE_INT32, dims=[-1, 1]),
        ],
        output=[ModelOutput(name=tensors.EMBEDDING, data_type=TYPE_FP32, dims=[-1, width])],
        instance_group=[_on_gpu(map(str, range(len(buckets))))],
        model_warmup=[_sample(bucket) for bucket in buckets],
    )


def packed_plan(width: int, rows_max: int, longest: int) -> ModelConfig:
    """Join requests of one row each, end to end; Triton tells the engine where each begins.

    It counts requests where it should count tokens, so the adapter bounds what is in flight.
    `longest` is the length of a row to warm up with.
    """
    ids = ModelInput(name=tensors.INPUT_IDS, data_type=TYPE_INT32, dims=[-1])
    ids.allow_ragged_batch = True
    queue = ModelQueuePolicy(
        timeout_action="REJECT",
        default_timeout_microseconds=_QUEUE_SECONDS * 1_000_000,
        max_queue_size=_QUEUE_ROWS_MAX,
    )
    return ModelConfig(
        name=tensors.MODEL,
        platform=_PLATFORM,
        default_model_filename=_FILE,
        max_batch_size=rows_max,
        input=[ids],
        # Two distinct tensors: an engine that reads one for both fails.
        batch_input=[_starts(tensors.QUERY_LENGTHS), _starts(tensors.KV_LENGTHS)],
        output=[ModelOutput(name=tensors.EMBEDDING, data_type=TYPE_FP32, dims=[width])],
        instance_group=[_on_gpu(["0"])],
        dynamic_batching=ModelDynamicBatching(
            priority_levels=_PRIORITIES,
            default_priority_level=_PRIORITIES,
            default_queue_policy=queue,
        ),
        model_warmup=[_row(1), _row(longest)],
    )


def warm_up_files(buckets: Iterable[Bucket]) -> dict[str, bytes]:
    """Return what warm-up samples are made of: zeros, Triton's own offer, are no lengths."""
    return {
        f"warmup/{_lengths_file(bucket)}": bucket.length.to_bytes(_LENGTH_BYTES, "little")
        * bucket.rows
        for bucket in buckets
    }


def _on_gpu(profiles: Iterable[str]) -> ModelInstanceGroup:
    return ModelInstanceGroup(kind="KIND_GPU", count=1, profile=profiles)


def _starts(name: str) -> BatchInput:
    """Describe a tensor [rows + 1]: the sums of the lengths of all rows before each, from 0."""
    return BatchInput(
        kind="BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO",
        target_name=[name],
        data_type=TYPE_INT32,
        source_input=[tensors.INPUT_IDS],
    )


def _sample(bucket: Bucket) -> ModelWarmup:
    """Describe a full batch of one bucket."""
    shape = [bucket.rows, bucket.length]
    ids = ModelWarmup.Input(data_type=TYPE_INT32, dims=shape, zero_data=True)
    lengths = ModelWarmup.Input(
        data_type=TYPE_INT32, dims=[bucket.rows, 1], input_data_file=_lengths_file(bucket)
    )
    inputs = {tensors.INPUT_IDS: ids, tensors.LENGTHS: lengths}
    return ModelWarmup(name=f"{bucket.rows}x{bucket.length}", batch_size=1, inputs=inputs)


def _row(tokens: int) -> ModelWarmup:
    ids = ModelWarmup.Input(data_type=TYPE_INT32, dims=[tokens], zero_data=True)
    return ModelWarmup(name=f"{tokens}", batch_size=1, inputs={tensors.INPUT_IDS: ids})


def _lengths_file(bucket: Bucket) -> str:
    return f"lengths-{bucket.rows}x{bucket.length}"
