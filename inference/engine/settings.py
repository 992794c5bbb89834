"""What the engine is told by the Triton configuration that the repository generates."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Self, TypeVar

from inference.variant import Engine, Precision

GRAPH: Final = "model.onnx"
"""The graph's file, in the same folder as Triton's `model.py`."""


class Device(StrEnum):
    """What the engine computes on."""

    CPU = "cpu"
    CUDA = "cuda"
    """The GPU that Triton gives the instance, or the first."""


Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The model's limits, and how it uses its machine.

    `run_tokens_max` bounds the tokens of one pass through the model, padding included where the
    engine pads; `threads` compute it on a CPU.
    """

    vocabulary_size: int
    context_tokens: int
    width: int
    threads: int
    run_tokens_max: int
    engine: Engine = Engine.ONNXRUNTIME
    precision: Precision = Precision.FP32
    device: Device = Device.CPU

    def parameters(self) -> dict[str, str]:
        """Return the settings as Triton's `parameters`, which are texts."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """Read what `parameters` wrote.

        Raises:
            ValueError: one is missing, or not of its kind.
        """
        return cls(
            vocabulary_size=_count(parameters, "vocabulary_size"),
            context_tokens=_count(parameters, "context_tokens"),
            width=_count(parameters, "width"),
            threads=_count(parameters, "threads"),
            run_tokens_max=_count(parameters, "run_tokens_max"),
            engine=_choice(parameters, "engine", Engine),
            precision=_choice(parameters, "precision", Precision),
            device=_choice(parameters, "device", Device),
        )


def _count(parameters: Mapping[str, str], name: str) -> int:
    value = parameters.get(name, "")
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"parameter {name} is {value!r}, not a positive integer")
    return int(value)


def _choice(parameters: Mapping[str, str], name: str, kind: type[Choice]) -> Choice:
    value = parameters.get(name, "")
    try:
        return kind(value)
    except ValueError as error:
        raise ValueError(f"parameter {name} is {value!r}, not one of {', '.join(kind)}") from error
