"""Where vectors come from, named in one short text that travels with every answer."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import orjson

FILE: Final = "provenance.json"
_FINGERPRINT_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Provenance:
    """All that a vector depends on besides the text; each in words, or as a SHA-256 in hex.

    `engine` names the library and its version; `target` is what a plan was compiled for, and
    `scales` what its FP8 is scaled by.
    """

    model: str
    revision: str
    tokenizer: str
    pooling: str
    precision: str
    engine: str
    form: str
    target: str | None = None
    scales: str | None = None

    @property
    def fingerprint(self) -> str:
        """Return the same for the same, and something else for anything else."""
        content = orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()[:_FINGERPRINT_LENGTH]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from a card's folder.

        Raises:
            OSError: there is none.
            ValueError: it is not what `dump` wrote.
        """
        try:
            return cls(**orjson.loads((folder / FILE).read_bytes()))
        except (TypeError, orjson.JSONDecodeError) as error:
            raise ValueError(f"{folder / FILE} is not what was written there: {error}") from error

    def dump(self) -> bytes:
        """Write it."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)
