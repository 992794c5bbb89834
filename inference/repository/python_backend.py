"""What Triton is told of a model whose engine runs in its Python backend."""

from tritonclient.grpc.model_config_pb2 import (
    TYPE_FP32,
    TYPE_INT32,
    ModelConfig,
    ModelDynamicBatching,
    ModelInput,
    ModelInstanceGroup,
    ModelOutput,
    ModelParameter,
)

from inference import tensors
from inference.engine.settings import Device, EngineSettings


def python_model(settings: EngineSettings, rows_max: int, instances: int) -> ModelConfig:
    """Let Triton join requests of any lengths; neither they nor a batch exceed `rows_max` rows."""
    kind = "KIND_GPU" if settings.device is Device.CUDA else "KIND_CPU"
    parameters = settings.parameters()
    ids = ModelInput(name=tensors.INPUT_IDS, data_type=TYPE_INT32, dims=[-1])
    ids.allow_ragged_batch = True
    return ModelConfig(
        name=tensors.MODEL,
        backend="python",
        max_batch_size=rows_max,
        input=[ids, ModelInput(name=tensors.LENGTHS, data_type=TYPE_INT32, dims=[1])],
        output=[ModelOutput(name=tensors.EMBEDDING, data_type=TYPE_FP32, dims=[settings.width])],
        instance_group=[ModelInstanceGroup(kind=kind, count=instances)],
        # No delay: while one batch is computed the next one gathers by itself. And no queue policy:
        # with one, and one instance, Triton 24.10 often sleeps 500 ms before it runs a request. The
        # adapter bounds what is queued, and a call that it gives up leaves the queue.
        dynamic_batching=ModelDynamicBatching(),
        parameters={key: ModelParameter(string_value=text) for key, text in parameters.items()},
    )
