"""All that one run has found, and what follows from it: shares of the ceiling, and parity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.model_messages import TRANSFORMERS, Measured
from bench.model_work import Work
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.rows import Vectors
from inference.variant import Engine, Precision

ERROR_MAX: Final = 1e-5
COSINE_MIN: Final = {Precision.BF16: 0.999, Precision.FP8: 0.99}


@dataclass(frozen=True, slots=True)
class Parity:
    """How near an engine's vectors are to the reference's, over all rows and components."""

    name: str
    cosine_min: float
    error_max: float
    bar: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured where; `steps` tells of each step what came of it.

    `ceiling_of` says whose matrix rate all is held against.
    """

    shape: str
    config: Qwen3Config
    device: str
    libraries: str
    matrix: Mapping[str, float]
    ceiling_of: str
    works: tuple[Work, ...]
    measured: tuple[Measured, ...]
    steps: Mapping[str, str]

    @property
    def timed(self) -> list[Measured]:
        """Those of which there are rates."""
        return [each for each in self.measured if each.rates]

    def ceiling(self, precision: str, work: Work) -> float | None:
        """Return the tokens a second that the device's own matrix rate would allow."""
        rate = self.matrix.get(precision)
        return None if rate is None else rate / work.flop(self.config)

    def share(self, measured: Measured, work: Work) -> float | None:
        """Return which part of the ceiling was reached."""
        ceiling = self.ceiling(measured.precision, work)
        return None if ceiling is None else measured.rates[work.name] / ceiling

    def reference(self) -> Measured | None:
        """Return what all else is compared with: transformers, or else PyTorch, in fp32."""
        for engine in (TRANSFORMERS, Engine.TORCH):
            for each in self.measured:
                if (each.engine, each.precision) == (engine, Precision.FP32) and each.vectors:
                    return each
        return None

    def parities(self) -> list[Parity]:
        """Compare every engine that gave vectors with the reference."""
        reference = self.reference()
        if reference is None or reference.vectors is None:
            return []
        expected = np.load(reference.vectors)
        return [
            compare(each, np.load(each.vectors), expected)
            for each in self.measured
            if each.vectors and each is not reference
        ]


def compare(measured: Measured, vectors: Vectors, expected: Vectors) -> Parity:
    """Hold vectors against the bar of their precision; a NaN never passes."""
    cosine = float((vectors * expected).sum(axis=1).min())
    error = float(np.abs(vectors - expected).max())
    bar = COSINE_MIN.get(Precision(measured.precision))
    if bar is None:
        return Parity(measured.name, cosine, error, f"error ≤ {ERROR_MAX:g}", error <= ERROR_MAX)
    return Parity(measured.name, cosine, error, f"cosine ≥ {bar}", cosine >= bar)
