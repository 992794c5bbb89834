"""What is served: a model's card, written by the model repository and read by everyone else."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import orjson

from contract import errors
from contract.errors import ApiError

_CARD_FILE: Final = "card.json"
_TOKENIZER_FILE: Final = "tokenizer.json"
_QUERY_PROMPT: Final = re.compile(r"[^{}]*\{task\}[^{}]*\{query\}")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The facts of a served model that its callers can run into.

    `context_tokens` counts special tokens; `dimensions_max` is the width of a full vector;
    `created` is in Unix seconds; `aliases` are other ids under which the model answers.
    Where `token_ids_accepted` is off, input must be text: some clients send another model's ids
    unasked, and those mean nothing here. A model that was trained with prompts has a
    `query_prompt`, like `Instruct: {task} Query:{query}`, and a `default_task` to go into it.
    """

    id: str
    aliases: tuple[str, ...]
    context_tokens: int
    dimensions_min: int
    dimensions_max: int
    vocabulary_size: int
    created: int
    owned_by: str
    token_ids_accepted: bool = True
    query_prompt: str | None = None
    default_task: str | None = None

    def __post_init__(self) -> None:
        if (self.query_prompt is None) != (self.default_task is None):
            raise ValueError("a query prompt and a default task come together")
        if self.query_prompt is not None and not _QUERY_PROMPT.fullmatch(self.query_prompt):
            raise ValueError("a query prompt names {task} once, and ends with {query}")

    def answers_to(self, name: str) -> bool:
        """Tell whether a request for `name` means this model."""
        return name == self.id or name in self.aliases

    def check_dimensions(self, dimensions: int | None) -> ApiError | None:
        """Return the error for a width that this model cannot be cut to."""
        if dimensions is None:
            return None
        if dimensions < self.dimensions_min:
            message = f"{dimensions} is less than the minimum of {self.dimensions_min}"
            return errors.invalid_parameter("dimensions", message)
        if dimensions > self.dimensions_max:
            message = f"{dimensions} is greater than the maximum of {self.dimensions_max}"
            return errors.invalid_parameter("dimensions", message)
        return None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the card from a model's folder.

        Raises:
            OSError: there is none.
            ValueError: it is not a card.
        """
        path = card_file(folder)
        content = path.read_bytes()
        try:
            fields = orjson.loads(content)
            return cls(**fields | {"aliases": tuple(fields["aliases"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a model card: {error}") from error

    def write(self, folder: Path) -> None:
        """Write the card into a model's folder."""
        card_file(folder).write_bytes(self.dump())

    def dump(self) -> bytes:
        """Return the card as its file holds it."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)


def card_file(folder: Path) -> Path:
    """Return where a model's folder holds its card."""
    return folder / _CARD_FILE


def tokenizer_file(folder: Path) -> Path:
    """Return where a model's folder holds its tokenizer."""
    return folder / _TOKENIZER_FILE
