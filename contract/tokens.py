"""Exact token counting: the served model's own tokenizer, used the same way by all who count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, assert_never

from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import EmbeddingsRequest, Inputs, Texts, TokenIds
from contract.errors import ApiError
from contract.limits import REQUEST_TOKENS_MAX
from contract.models import ModelCard, tokenizer_file


@dataclass(frozen=True, slots=True)
class Tokenised:
    """Sequences as the model runs them, special tokens included; `total` is what is charged."""

    sequences: tuple[list[int], ...]
    total: int


class RequestTokenizer:
    """Turns a request's inputs into exactly the token ids that the model will run.

    Thread-safe: the tokenizer is configured once, here, and never again.
    """

    def __init__(self, card: ModelCard, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()  # files ship with the training set-up's; nothing is ever cut
        tokenizer.no_padding()
        self._card = card
        self._tokenizer = tokenizer
        self._head, self._tail = _special_tokens(tokenizer)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a model's folder, with its card and its tokenizer."""
        return cls(ModelCard.read(folder), Tokenizer.from_file(str(tokenizer_file(folder))))

    @property
    def card(self) -> ModelCard:
        """The model whose tokens these are."""
        return self._card

    def tokenise(self, request: EmbeddingsRequest) -> Tokenised | ApiError:
        """Check a request against the model's limits and return its token ids.

        Releases the GIL while text is tokenised, so a long request belongs in a thread.
        """
        card = self._card
        if not card.answers_to(request.model):
            return errors.model_not_found(request.model)
        if (refused := card.check_dimensions(request.dimensions)) is not None:
            return refused
        sequences = self._encode(request.inputs)
        if isinstance(sequences, ApiError):
            return sequences
        for index, ids in enumerate(sequences):
            if len(ids) > card.context_tokens:
                return errors.context_length_exceeded(card.context_tokens, len(ids), index)
        total = sum(map(len, sequences))
        if total > REQUEST_TOKENS_MAX:
            return errors.max_tokens_per_request(total, REQUEST_TOKENS_MAX)
        return Tokenised(sequences, total)

    def _encode(self, inputs: Inputs) -> tuple[list[int], ...] | ApiError:
        match inputs:
            case Texts((text,)):
                return (self._tokenizer.encode(text).ids,)
            case Texts(items):
                return tuple(item.ids for item in self._tokenizer.encode_batch_fast(list(items)))
            case TokenIds(items):
                return self._adopt(items)
            case _:
                assert_never(inputs)

    def _adopt(self, items: tuple[tuple[int, ...], ...]) -> tuple[list[int], ...] | ApiError:
        if not self._card.token_ids_accepted:
            return errors.invalid_parameter("input", "Token ids are not accepted here; send text")
        size = self._card.vocabulary_size
        for index, ids in enumerate(items):
            # Loops in C: a body within its limit can hold four million ids.
            for token in (min(ids), max(ids)):
                if not 0 <= token < size:
                    message = f"Token id {token} in input {index} is not in [0, {size})"
                    return errors.invalid_parameter("input", message)
        return tuple(self._complete(list(ids)) for ids in items)

    def _complete(self, ids: list[int]) -> list[int]:
        """Add the special tokens that the model needs, where the client has not."""
        head = [] if ids[: len(self._head)] == self._head else self._head
        tail = [] if ids[len(ids) - len(self._tail) :] == self._tail else self._tail
        return head + ids + tail


def _special_tokens(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return the ids that the tokenizer's post-processor puts before and after a text."""
    whole, bare = tokenizer.encode("a").ids, tokenizer.encode("a", add_special_tokens=False).ids
    for start in range(len(whole) - len(bare) + 1):
        if whole[start : start + len(bare)] == bare:
            return whole[:start], whole[start + len(bare) :]
    raise ValueError("the tokenizer's post-processor changes the text's own tokens")
