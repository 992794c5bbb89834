"""How far the numbers of each linear layer reach: what FP8 has to be scaled by. `fp8.json`.

They are measured, once for a checkpoint: see `inference.tensorrt.calibrate`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import orjson

FILE: Final = "fp8.json"


class ScalesError(ValueError):
    """There are no scales, or they are not those of this model."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The largest absolute value among a linear layer's inputs, and among its weights."""

    input: float
    weight: float


@dataclass(frozen=True, slots=True)
class Scales:
    """The reach of each linear layer, by the name of its weight in the checkpoint.

    `revision` is the checkpoint's, `made_by` says how they were measured.
    """

    revision: str
    made_by: str
    reaches: Mapping[str, Reach]

    @classmethod
    def read(cls, path: Path, revision: str) -> Self:
        """Read the scales of a checkpoint.

        Raises:
            ScalesError: there are none, or not of this revision.
            OSError: the file cannot be read.
        """
        try:
            fields = orjson.loads(path.read_bytes())
            scales = cls(
                revision=str(fields["revision"]),
                made_by=str(fields["made_by"]),
                reaches={
                    str(name): Reach(_reach(each["input"]), _reach(each["weight"]))
                    for name, each in fields["reaches"].items()
                },
            )
        except FileNotFoundError as error:
            raise ScalesError(f"there is no {path}, which FP8 needs") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ScalesError(f"{path} holds no scales: {error!r}") from error
        if scales.revision != revision:
            raise ScalesError(
                f"{path} was measured for checkpoint {scales.revision}, not {revision}"
            )
        return scales

    def dump(self) -> bytes:
        """Write them."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)


def _reach(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r} is no absolute value")
    return float(value)
