"""Exact token counting: the served model's own tokenizer, used the same way by all who count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import EmbeddingsRequest, Inputs, Texts
from contract.encoder import Encoder
from contract.errors import ApiError
from contract.limits import REQUEST_TOKENS_MAX
from contract.models import ModelCard, tokenizer_file
from contract.pieces import Pieces
from contract.prompts import Prefix, QueryPrompts
from contract.sequences import Frame

_SHORT_CHARACTERS: Final = 8192
"""Texts that are longer together are counted by the tokenizer, which releases the GIL."""


@dataclass(frozen=True, slots=True)
class Tokenised:
    """Sequences as the model runs them, special tokens included; `total` is what is charged.

    `truncated` is how many tokens were cut off those that were cut, by their index.
    """

    sequences: tuple[list[int], ...]
    total: int
    truncated: Mapping[int, int] = field(default_factory=dict)


class RequestTokenizer:
    """Turns a request's inputs into exactly the token ids that the model will run.

    Thread-safe: the tokenizer is configured once, here, and never again.
    """

    def __init__(self, card: ModelCard, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()  # files ship with the training set-up's, which cuts unasked
        tokenizer.no_padding()
        self._card = card
        self._tokenizer = tokenizer
        self._frame = Frame.of(tokenizer)
        self._pieces = Pieces.learn_from(tokenizer)
        self._encoder = Encoder(card, tokenizer, self._frame, self._pieces)
        self._prompts = QueryPrompts(
            card, tokenizer, self._frame.tokens, splits_at_words=self._pieces is not None
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a model's folder, with its card and its tokenizer."""
        return cls(ModelCard.read(folder), Tokenizer.from_file(str(tokenizer_file(folder))))

    @property
    def card(self) -> ModelCard:
        """The model whose tokens these are."""
        return self._card

    def measure(self, request: EmbeddingsRequest) -> Sequence[int] | ApiError:
        """Return how many tokens each input has, those included that are too long for the model."""
        prefix = self._check_model(request)
        if isinstance(prefix, ApiError):
            return prefix
        if (lengths := self._add_pieces(request.inputs, prefix)) is not None:
            return lengths
        sequences = self._encoder.encode(request.inputs, prefix, length_max=None)
        return sequences if isinstance(sequences, ApiError) else list(map(len, sequences))

    def count(self, request: EmbeddingsRequest) -> int | ApiError:
        """Return how many tokens `tokenise` would, by a shorter way where there is one."""
        prefix = self._check_model(request)
        if isinstance(prefix, ApiError):
            return prefix
        lengths = self._add_pieces(request.inputs, prefix)
        if lengths is not None and max(lengths) <= self._card.context_tokens:
            return sum(lengths)
        if lengths is not None and request.truncate != "none":
            return sum(min(length, self._card.context_tokens) for length in lengths)
        tokenised = self.tokenise(request)
        return tokenised if isinstance(tokenised, ApiError) else tokenised.total

    def tokenise(self, request: EmbeddingsRequest) -> Tokenised | ApiError:
        """Check a request against the model's limits and return its token ids.

        Releases the GIL while text is tokenised, so a long request belongs in a thread.
        """
        prefix = self._check_model(request)
        if isinstance(prefix, ApiError):
            return prefix
        length_max = self._card.context_tokens if request.truncate == "none" else None
        sequences = self._encoder.encode(request.inputs, prefix, length_max)
        if isinstance(sequences, ApiError):
            return sequences
        truncated = self._cut(sequences, request, prefix)
        return Tokenised(tuple(sequences), sum(map(len, sequences)), truncated)

    def _check_model(self, request: EmbeddingsRequest) -> Prefix | ApiError:
        """Return what goes before each input, or what of the request is not for this model."""
        if not self._card.answers_to(request.model):
            return errors.model_not_found(request.model)
        if (refused := self._card.check_dimensions(request.dimensions)) is not None:
            return refused
        return self._prompts.make(
            request.inputs.query if isinstance(request.inputs, Texts) else None
        )

    def _add_pieces(self, inputs: Inputs, prefix: Prefix) -> list[int] | None:
        """Return the tokens of short texts; nothing where that is unknown or may be too many."""
        if self._pieces is None or not isinstance(inputs, Texts):
            return None
        if sum(map(len, inputs.items)) + len(inputs.items) * len(prefix.seam) > _SHORT_CHARACTERS:
            return None
        lengths, before = [], self._frame.tokens + len(prefix.settled)
        for text in inputs.items:
            tokens = self._pieces.count(prefix.seam + text)
            if tokens is None:
                return None
            lengths.append(before + tokens)
        return lengths if sum(lengths) <= REQUEST_TOKENS_MAX else None

    def _cut(
        self, sequences: list[list[int]], request: EmbeddingsRequest, prefix: Prefix
    ) -> dict[int, int]:
        """Cut sequences that are too long where they lie; return how much of which."""
        if request.truncate == "none":  # then none is too long
            return {}
        tokens_max = self._card.context_tokens
        truncated = {
            index: len(ids) - tokens_max
            for index, ids in enumerate(sequences)
            if len(ids) > tokens_max
        }
        prompt = self._prompts.ids(prefix) if truncated else []
        for index in truncated:
            ids = sequences[index]
            sequences[index] = self._frame.cut(ids, tokens_max, request.truncate, prompt)
        return truncated
