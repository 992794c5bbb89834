"""What Triton is told of each variant, read back by Triton's own message."""

from typing import Any, Final

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import (
    DataType,
    ModelConfig,
    ModelInstanceGroup,
    ModelQueuePolicy,
)

from inference.engine.settings import Device, EngineSettings
from inference.repository.description import CONFIG, Description
from inference.serving import Bucket, Serving
from inference.variant import Engine, Form, Precision, Variant

_WIDTH: Final = 4096
_BUCKETS: Final = (Bucket(32, 32), Bucket(512, 8), Bucket(8192, 1))
_GROUP: Final = ModelInstanceGroup


def _describe(
    engine: Engine, form: Form = Form.PADDED, device: Device = Device.CPU
) -> dict[str, bytes]:
    buckets = _BUCKETS if (engine, form) == (Engine.TENSORRT, Form.PADDED) else ()
    served = Serving(Variant(engine, form, Precision.BF16), buckets, 32, 4096, "f")
    settings = EngineSettings(151_665, 32_768, _WIDTH, 1, 4096, engine=engine, device=device)
    return Description(served, settings, instances=2).files()


def _parse(files: dict[str, bytes]) -> ModelConfig:
    return text_format.Parse(files[CONFIG].decode(), ModelConfig())


def _tensors(tensors: Any) -> list[tuple[str, list[int], str]]:  # noqa: ANN401 - generated code
    return [(each.name, list(each.dims), DataType.Name(each.data_type)) for each in tensors]


@pytest.mark.parametrize(
    ("engine", "device", "kind"),
    [
        (Engine.ONNXRUNTIME, Device.CPU, _GROUP.KIND_CPU),
        (Engine.TORCH, Device.CPU, _GROUP.KIND_CPU),
        (Engine.TORCH, Device.CUDA, _GROUP.KIND_GPU),
    ],
)
def test_in_the_python_backend_triton_joins_requests(
    engine: Engine, device: Device, kind: int
) -> None:
    """Of any lengths, without a queue policy; and the engine reads back what it was told."""
    config = _parse(_describe(engine, device=device))
    assert (config.backend, config.max_batch_size, config.platform) == ("python", 32, "")
    assert _tensors(config.input) == [
        ("input_ids", [-1], "TYPE_INT32"),
        ("lengths", [1], "TYPE_INT32"),
    ]
    assert [each.allow_ragged_batch for each in config.input] == [True, False]
    assert _tensors(config.output) == [("embedding", [_WIDTH], "TYPE_FP32")]
    assert [(group.kind, group.count) for group in config.instance_group] == [(kind, 2)]
    assert config.HasField("dynamic_batching")
    assert not config.dynamic_batching.HasField("default_queue_policy")
    told = {key: value.string_value for key, value in config.parameters.items()}
    assert EngineSettings.parse(told).engine is engine


def test_a_padded_plan_is_given_no_batch_that_triton_made() -> None:
    """Triton adds a dynamic batcher to a model with a batch dimension, so this one has none."""
    config = _parse(_describe(Engine.TENSORRT))
    assert (config.platform, config.max_batch_size) == ("tensorrt_plan", 0)
    assert config.WhichOneof("scheduling_choice") is None
    assert _tensors(config.input) == [
        ("input_ids", [-1, -1], "TYPE_INT32"),
        ("lengths", [-1, 1], "TYPE_INT32"),
    ]
    assert _tensors(config.output) == [("embedding", [-1, _WIDTH], "TYPE_FP32")]


def test_a_padded_plan_has_one_profile_a_bucket_on_the_gpu() -> None:
    """All of them in one instance: each has memory of its own."""
    (group,) = _parse(_describe(Engine.TENSORRT)).instance_group
    assert (group.kind, group.count, list(group.profile)) == (_GROUP.KIND_GPU, 1, ["0", "1", "2"])


def test_a_padded_plan_is_warmed_up_in_each_bucket() -> None:
    """With a full batch of full rows, whose lengths are in a file: zeros are no lengths."""
    files = _describe(Engine.TENSORRT)
    samples = _parse(files).model_warmup
    found = [(list(s.inputs["input_ids"].dims), list(s.inputs["lengths"].dims)) for s in samples]
    assert found == [([b.rows, b.length], [b.rows, 1]) for b in _BUCKETS]
    for sample, bucket in zip(samples, _BUCKETS, strict=True):
        content = files[f"warmup/{sample.inputs['lengths'].input_data_file}"]
        assert np.frombuffer(content, "<i4").tolist() == [bucket.length] * bucket.rows


def test_a_packed_plan_is_told_where_each_row_begins() -> None:
    """By two tensors that hold the same: one tensor in both places crashes TensorRT."""
    config = _parse(_describe(Engine.TENSORRT, Form.PACKED))
    assert (config.platform, config.max_batch_size) == ("tensorrt_plan", 32)
    assert _tensors(config.input) == [("input_ids", [-1], "TYPE_INT32")]
    assert config.input[0].allow_ragged_batch
    kind = type(config.batch_input[0]).BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO
    found = [(b.kind, list(b.target_name), list(b.source_input)) for b in config.batch_input]
    assert found == [
        (kind, ["query_lengths"], ["input_ids"]),
        (kind, ["kv_lengths"], ["input_ids"]),
    ]
    assert _tensors(config.output) == [("embedding", [_WIDTH], "TYPE_FP32")]


def test_a_packed_plans_queue_is_bounded_and_has_two_priorities() -> None:
    """What names none comes second, and nobody waits for ever."""
    batching = _parse(_describe(Engine.TENSORRT, Form.PACKED)).dynamic_batching
    policy = batching.default_queue_policy
    assert (batching.priority_levels, batching.default_priority_level) == (2, 2)
    assert policy.timeout_action == ModelQueuePolicy.REJECT
    assert (policy.default_timeout_microseconds, policy.max_queue_size) == (30_000_000, 4096)


def test_a_packed_plan_is_warmed_up() -> None:
    """Each sample is a request, so each is one row."""
    samples = _parse(_describe(Engine.TENSORRT, Form.PACKED)).model_warmup
    assert [(s.batch_size, list(s.inputs["input_ids"].dims)) for s in samples] == [
        (1, [1]),
        (1, [4096]),
    ]
