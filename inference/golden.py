"""Vectors that a model must give, kept beside its card: whoever serves it compares before it does.

They tell a damaged or mistaken model from a whole one, not one rounding from another: the bar
leaves room for the precision that the layers compute in, and any mistake of substance (weights of
another revision, another pooling, a lost end token) misses it by far.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from inference.variant import Precision

Vectors = NDArray[np.float32]

FILE: Final = "golden.json"

COSINE_MIN: Final = {
    Precision.FP32: 0.9999,
    Precision.FP16: 0.999,
    Precision.BF16: 0.99,
    Precision.FP8: 0.97,
}
_LENGTH_ERROR_MAX: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Golden:
    """Token ids, [rows] of any length, and their unit vectors, [rows, width], as `made_by` has it.

    `tokenizer` is the SHA-256 of the file that made the ids.
    """

    sequences: tuple[tuple[int, ...], ...]
    vectors: Vectors
    cosine_min: float
    tokenizer: str
    made_by: str

    def differs(self, vectors: Vectors) -> str | None:
        """Say how a model's vectors for the sequences differ, where they do."""
        if vectors.shape != self.vectors.shape:
            return f"the vectors have shape {vectors.shape}, not {self.vectors.shape}"
        lengths = np.linalg.norm(vectors, axis=1)
        if not (whole := np.abs(lengths - 1) < _LENGTH_ERROR_MAX).all():  # that of a NaN is not
            odd = int(np.argmin(whole))
            tokens = len(self.sequences[odd])
            return f"vector {odd}, of {tokens} tokens, has length {lengths[odd]:.5f} and not 1"
        cosines = (vectors * self.vectors).sum(axis=1)
        worst = int(np.nanargmin(np.where(np.isfinite(cosines), cosines, -np.inf)))
        if cosines[worst] >= self.cosine_min:  # NaN is not
            return None
        return (
            f"vector {worst}, of {len(self.sequences[worst])} tokens, has cosine"
            f" {cosines[worst]:.5f} with what {self.made_by} gave; {self.cosine_min} is the least"
        )

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read it from a card's folder, where there is one.

        Raises:
            ValueError: it is not what `dump` wrote.
        """
        try:
            content = (folder / FILE).read_bytes()
        except FileNotFoundError:
            return None
        try:
            fields = orjson.loads(content)
            return cls(
                sequences=tuple(tuple(map(int, row["ids"])) for row in fields["rows"]),
                vectors=np.stack([_read_vector(row["vector"]) for row in fields["rows"]]),
                cosine_min=float(fields["cosine_min"]),
                tokenizer=str(fields["tokenizer"]),
                made_by=str(fields["made_by"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / FILE} is not what was written there: {error!r}") from error

    def dump(self) -> bytes:
        """Write it; vectors are base64 of little-endian floats."""
        fields = {
            "made_by": self.made_by,
            "cosine_min": self.cosine_min,
            "tokenizer": self.tokenizer,
            "rows": [
                {"ids": ids, "vector": b64encode(vector.astype("<f4").tobytes()).decode()}
                for ids, vector in zip(self.sequences, self.vectors, strict=True)
            ],
        }
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2)


def golden_of(
    sequences: Sequence[Sequence[int]],
    vectors: Vectors,
    precision: Precision,
    tokenizer: str,
    made_by: str,
) -> Golden:
    """Make golden vectors for a model that computes in a precision."""
    rows = tuple(tuple(ids) for ids in sequences)
    return Golden(rows, vectors, COSINE_MIN[precision], tokenizer, made_by)


def _read_vector(text: str) -> Vectors:
    return np.frombuffer(b64decode(text, validate=True), dtype="<f4")
