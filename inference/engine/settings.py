"""What the engine is told by the Triton configuration that the repository generates."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, Self

GRAPH: Final = "model.onnx"
"""The graph's file, in the same folder as Triton's `model.py`."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The model's limits, and how it uses its machine.

    `run_tokens_max` bounds the real tokens of one pass through the model; `threads` compute it.
    """

    vocabulary_size: int
    context_tokens: int
    width: int
    threads: int
    run_tokens_max: int

    def parameters(self) -> dict[str, str]:
        """Return the settings as Triton's `parameters`, which are texts."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """Read what `parameters` wrote.

        Raises:
            ValueError: one is missing, or no positive integer.
        """
        values = {field.name: parameters.get(field.name, "") for field in fields(cls)}
        for name, value in values.items():
            if not value.isdecimal() or int(value) < 1:
                raise ValueError(f"parameter {name} is {value!r}, not a positive integer")
        return cls(**{name: int(value) for name, value in values.items()})
