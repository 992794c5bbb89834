"""How batches are made for a model, from what its folder and the settings say."""

from dataclasses import dataclass
from typing import Final, Self

from inference.adapter.scheduler.shapes import Shapes
from inference.adapter.settings import AdapterSettings
from inference.serving import Serving
from inference.tensors import ROWS_MAX
from inference.variant import Engine, Form, Precision, Variant

_UNKNOWN: Final = Serving(
    Variant(Engine.ONNXRUNTIME, Form.PADDED, Precision.FP32),
    buckets=(),
    rows_max=ROWS_MAX,
    tokens_max=2048,
    fingerprint="",
)
"""What a folder is taken for that does not say."""


@dataclass(frozen=True, slots=True)
class Batching:
    """What fits into a batch, and how many batches Triton may hold at a time."""

    shapes: Shapes
    batches_max: int

    @classmethod
    def plan(cls, serving: Serving | None, settings: AdapterSettings) -> Self:
        """Settle both for a model; the settings go before what its folder says."""
        served = serving or _UNKNOWN
        tokens_max = settings.batch_tokens_max or served.tokens_max
        return cls(
            Shapes.plan(served.buckets, served.rows_max, tokens_max),
            settings.batches_in_flight or _batches_max(served.variant),
        )


def _batches_max(variant: Variant) -> int:
    """Return how many keep the model busy: one is computed while one waits to be."""
    match variant:
        case Variant(Engine.TENSORRT, Form.PACKED):
            return 1  # Triton joins what it holds, and the engine was compiled for one batch
        case Variant(Engine.ONNXRUNTIME):
            return 4  # two instances
        case _:
            return 2
