"""Which engines are measured on a device, and in which numbers."""

from bench.model_messages import Task
from inference.engine.settings import Device
from inference.variant import Engine, Precision


def main_precision(engine: Engine, device: Device) -> Precision:
    """Return what an engine serves in, where nobody says otherwise."""
    on_cpu = device is Device.CPU and engine is not Engine.TENSORRT
    return Precision.FP32 if on_cpu else Precision.BF16


def torch_tasks(chosen: Engine, device: Device) -> tuple[Task, ...]:
    """Return PyTorch's: figures of what it would serve in, and vectors of all that it can.

    In 8 bits a CPU only imitates a GPU, so figures of it would mean nothing.
    """
    timed = {main_precision(Engine.TORCH, device)}
    if device is Device.CUDA:
        timed.add(Precision.FP8)
    return tuple(
        Task(Engine.TORCH, each, compared_only=chosen is not Engine.TORCH or each not in timed)
        for each in (Precision.BF16, Precision.FP8, Precision.FP32)
    )


def onnxruntime_tasks(chosen: Engine) -> tuple[Task, ...]:
    """Return ONNX Runtime's."""
    only_compared = chosen is not Engine.ONNXRUNTIME
    return (Task(Engine.ONNXRUNTIME, Precision.FP32, compared_only=only_compared),)


def references(device: Device) -> tuple[Precision, ...]:
    """Return what transformers runs in; on a GPU bf16 too: how near it comes is the scale."""
    return (Precision.FP32, *((Precision.BF16,) if device is Device.CUDA else ()))
