"""A JSON file of a checkpoint, field by field; each wrong one is named with what it holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from inference.checkpoint.safetensors import CheckpointError

LAYERS_MAX: Final = 1000
"""Of any model: what a damaged file asks for would take all memory before anybody misses it."""
_COUNT_MAX: Final = 2**31 - 1
_NUMBER_MAX: Final = 1e30


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A file that holds one JSON object."""

    path: Path
    fields: Mapping[str, object]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            CheckpointError: there is none, or it holds something else.
            OSError: it cannot be read.
        """
        try:
            fields = json.loads(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CheckpointError(f"there is no {path}") from error
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"{path} is not JSON") from error
        if not isinstance(fields, dict):
            raise CheckpointError(f"{path} is not a JSON object")
        return cls(path, fields)

    def require(self, expected: Mapping[str, object]) -> None:
        """Check what is taken for granted; a field that is left out has the value expected."""
        for name, value in expected.items():
            if (found := self.fields.get(name, value)) != value:
                raise CheckpointError(f"{self.path}: {name} is {found!r}, not {value!r}")

    def count(self, name: str, most: int = _COUNT_MAX) -> int:
        """Return a positive integer."""
        value = self.fields.get(name)
        if type(value) is not int or not 1 <= value <= most:  # bool is an int
            raise CheckpointError(f"{self.path}: {name} is {value!r}, not an integer of 1..{most}")
        return value

    def number(self, name: str) -> float:
        """Return a number of at least 1."""
        value = self.fields.get(name)
        if not isinstance(value, int | float) or not 1 <= value <= _NUMBER_MAX:
            raise CheckpointError(f"{self.path}: {name} is {value!r}, not a number from 1 on")
        return float(value)

    def fraction(self, name: str) -> float:
        """Return a number between 0 and 1."""
        value = self.fields.get(name)
        if not isinstance(value, float) or not 0 < value < 1:
            raise CheckpointError(f"{self.path}: {name} is {value!r}, not a small number")
        return value
