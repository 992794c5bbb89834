"""What the adapter has to know of how Triton serves the model: `serving.json`, beside the card."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import orjson

from inference.variant import Engine, Form, Precision, Variant

FILE: Final = "serving.json"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of up to `length` tokens are padded to it; so many of them may be in one batch."""

    length: int
    rows: int


@dataclass(frozen=True, slots=True)
class Serving:
    """How batches are to be made, and what the vectors come from.

    `buckets`, shortest first, are the shapes that the engine was compiled for; without any, rows of
    any lengths may be in one batch. A batch holds at most `rows_max` rows and `tokens_max` tokens,
    padding included, but a longer row alone. `fingerprint` names the checkpoint's revision,
    tokenizer, pooling, precision and engine, in one.
    """

    variant: Variant
    buckets: tuple[Bucket, ...]
    rows_max: int
    tokens_max: int
    fingerprint: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from a card's folder.

        Raises:
            OSError: there is none.
            ValueError: it is not what `dump` wrote.
        """
        try:
            fields = orjson.loads((folder / FILE).read_bytes())
            variant = fields["variant"]
            return cls(
                variant=Variant(
                    Engine(variant["engine"]),
                    Form(variant["form"]),
                    Precision(variant["precision"]),
                ),
                buckets=tuple(Bucket(int(b["length"]), int(b["rows"])) for b in fields["buckets"]),
                rows_max=int(fields["rows_max"]),
                tokens_max=int(fields["tokens_max"]),
                fingerprint=str(fields["fingerprint"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{folder / FILE} is not what was written there: {error!r}") from error

    def dump(self) -> bytes:
        """Write it."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)
