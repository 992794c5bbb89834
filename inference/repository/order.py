"""What is to be built, and from what."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contract.models import ModelCard
from inference.checkpoint.folder import Checkpoint
from inference.engine.settings import Device
from inference.graph.scales import FILE as SCALES
from inference.repository.tuning import Tuning
from inference.tensors import ROWS_MAX
from inference.variant import Engine, Form, Precision, Variant

LOCAL: Final = Variant(Engine.ONNXRUNTIME, Form.PADDED, Precision.FP32)
"""What every machine can serve."""


@dataclass(frozen=True, slots=True)
class Order:
    """A variant of a checkpoint, as it is to be served.

    A batch holds at most `tokens_max` tokens, padding included, and `rows_max` rows. `target` is
    the kind of GPU that TensorRT compiles for, by default the one that is there; `device` is what
    PyTorch computes on.
    """

    checkpoint: Checkpoint
    card: ModelCard
    variant: Variant = LOCAL
    tokens_max: int = 2048
    rows_max: int = ROWS_MAX
    target: str | None = None
    device: Device = Device.CPU
    tuning: Tuning = field(default_factory=Tuning)

    @property
    def scales(self) -> Path:
        """Where the scales of FP8 lie that TensorRT needs; PyTorch finds its own."""
        return self.checkpoint.folder / SCALES
