"""Which variant of a model is served: by which engine, how rows are laid out, in what numbers."""

from dataclasses import dataclass
from enum import StrEnum


class Engine(StrEnum):
    """What computes the vectors inside Triton."""

    ONNXRUNTIME = "onnxruntime"
    """Our graph on a CPU, in the Python backend."""
    TENSORRT = "tensorrt"
    """Our graph compiled for one kind of GPU, in the TensorRT backend."""
    TORCH = "torch"
    """PyTorch without padding, in the Python backend: where no engine was compiled."""


class Form(StrEnum):
    """How a batch lies in memory."""

    PADDED = "padded"
    """Rows of one length, filled up on the right."""
    PACKED = "packed"
    """One row after the other, with the places where each begins."""


class Precision(StrEnum):
    """The numbers that the layers compute in; pooling and normalisation are always `FP32`."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    FP8 = "fp8"
    """Multiplications of weights alone; all else is `BF16`."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the ways in which the same model can be served."""

    engine: Engine
    form: Form
    precision: Precision
