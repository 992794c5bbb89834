"""Exact token counting: the served model's own tokenizer, used the same way by all who count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, assert_never

from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import EmbeddingsRequest, Inputs, Texts, TokenIds
from contract.errors import ApiError
from contract.limits import REQUEST_TOKENS_MAX
from contract.long_texts import EXACT_CHARACTERS, count_until, group_texts
from contract.models import ModelCard, tokenizer_file
from contract.piece_counts import PieceCounts

_COUNTED_TOKENS_MAX: Final = 2 * REQUEST_TOKENS_MAX
"""Up to here the sum in an error is exact; beyond, a request is refused without counting on."""

_SHORT_CHARACTERS: Final = 8192
"""Texts that are longer together are counted by the tokenizer, which releases the GIL."""


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
        self._pieces = PieceCounts.learn_from(tokenizer)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a model's folder, with its card and its tokenizer."""
        return cls(ModelCard.read(folder), Tokenizer.from_file(str(tokenizer_file(folder))))

    @property
    def card(self) -> ModelCard:
        """The model whose tokens these are."""
        return self._card

    def count(self, request: EmbeddingsRequest) -> int | ApiError:
        """Return how many tokens `tokenise` would, by a shorter way where there is one."""
        if (refused := self._check_model(request)) is not None:
            return refused
        if (total := self._add_pieces(request.inputs)) is not None:
            return total
        tokenised = self.tokenise(request)
        return tokenised if isinstance(tokenised, ApiError) else tokenised.total

    def tokenise(self, request: EmbeddingsRequest) -> Tokenised | ApiError:
        """Check a request against the model's limits and return its token ids.

        Releases the GIL while text is tokenised, so a long request belongs in a thread.
        """
        if (refused := self._check_model(request)) is not None:
            return refused
        sequences = self._encode(request.inputs)
        if isinstance(sequences, ApiError):
            return sequences
        total = sum(map(len, sequences))
        if total > REQUEST_TOKENS_MAX:
            return errors.max_tokens_per_request(total, REQUEST_TOKENS_MAX)
        return Tokenised(tuple(sequences), total)

    def _check_model(self, request: EmbeddingsRequest) -> ApiError | None:
        if not self._card.answers_to(request.model):
            return errors.model_not_found(request.model)
        return self._card.check_dimensions(request.dimensions)

    def _add_pieces(self, inputs: Inputs) -> int | None:
        """Return the tokens of short texts; nothing where that is unknown or may be too many."""
        if self._pieces is None or not isinstance(inputs, Texts):
            return None
        if sum(map(len, inputs.items)) > _SHORT_CHARACTERS:
            return None
        total, special = 0, len(self._head) + len(self._tail)
        for text in inputs.items:
            tokens = self._pieces.count(text)
            if tokens is None or tokens + special > self._card.context_tokens:
                return None
            total += tokens + special
        return total if total <= REQUEST_TOKENS_MAX else None

    def _encode(self, inputs: Inputs) -> list[list[int]] | ApiError:
        match inputs:
            case Texts((text,)) if len(text) <= EXACT_CHARACTERS:
                # Not encode(): it would keep the GIL, and everyone else waiting.
                ids = self._tokenizer.encode_batch_fast([text])[0].ids
                return self._check_lengths([ids], 0) or [ids]
            case Texts(items):
                return self._encode_texts(items)
            case TokenIds(items):
                return self._adopt(items)
            case _:
                assert_never(inputs)

    def _encode_texts(self, texts: tuple[str, ...]) -> list[list[int]] | ApiError:
        """Encode group by group, and no further than it takes to refuse.

        A body within its limit can hold millions of tokens: seconds of work and gigabytes.
        """
        sequences: list[list[int]] = []
        total = 0
        for group in group_texts(texts):
            index = len(sequences)
            for offset, text in enumerate(group):
                tokens = count_until(self._tokenizer, text, self._card.context_tokens)
                if tokens is not None:
                    return errors.context_length_exceeded(
                        self._card.context_tokens, tokens, index + offset, at_least=True
                    )
            encoded = [item.ids for item in self._tokenizer.encode_batch_fast(group)]
            if (refused := self._check_lengths(encoded, index)) is not None:
                return refused
            sequences += encoded
            total += sum(map(len, encoded))
            if total > _COUNTED_TOKENS_MAX:
                return errors.max_tokens_per_request(total, REQUEST_TOKENS_MAX, at_least=True)
        return sequences

    def _check_lengths(self, sequences: list[list[int]], index: int) -> ApiError | None:
        """Return the error for the first sequence over the context; the first has this index."""
        context = self._card.context_tokens
        for offset, ids in enumerate(sequences):
            if len(ids) > context:
                return errors.context_length_exceeded(context, len(ids), index + offset)
        return None

    def _adopt(self, items: tuple[tuple[int, ...], ...]) -> list[list[int]] | ApiError:
        if not self._card.token_ids_accepted:
            return errors.invalid_parameter("input", "Token ids are not accepted here; send text")
        size = self._card.vocabulary_size
        for index, ids in enumerate(items):
            # Loops in C: a body within its limit can hold four million ids.
            for token in (min(ids), max(ids)):
                if not 0 <= token < size:
                    message = f"Token id {token} in input {index} is not in [0, {size})"
                    return errors.invalid_parameter("input", message)
        sequences = [self._complete(list(ids)) for ids in items]
        return self._check_lengths(sequences, 0) or sequences

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
