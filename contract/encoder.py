"""From a request's inputs to whole sequences, and no further than it takes to refuse them."""

import time
from collections.abc import Sequence
from typing import Final, assert_never

from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import Inputs, Texts, TokenIds
from contract.errors import ApiError
from contract.limits import REQUEST_TOKENS_MAX
from contract.long_texts import (
    EXACT_CHARACTERS,
    WORD_CHARACTERS,
    count_until,
    group_texts,
    has_endless_word,
)
from contract.models import ModelCard
from contract.pieces import Pieces
from contract.prompts import Prefix
from contract.sequences import Frame

_COUNTED_TOKENS_MAX: Final = 2 * REQUEST_TOKENS_MAX
"""Up to here the sum in an error is exact; beyond, a request is refused without counting on."""


class Encoder:
    """Encodes texts, and adopts token ids that the client has made of its texts.

    A body within its limit can hold millions of tokens: seconds of work and gigabytes.
    """

    def __init__(
        self, card: ModelCard, tokenizer: Tokenizer, frame: Frame, pieces: Pieces | None
    ) -> None:
        self._card = card
        self._tokenizer = tokenizer
        self._frame = frame
        self._pieces = pieces

    def encode(
        self, inputs: Inputs, prefix: Prefix, length_max: int | None
    ) -> list[list[int]] | ApiError:
        """Return a sequence for each input, whole, each text with the prefix before it.

        One of over `length_max` tokens is refused; where there is none, only their sum is limited.
        """
        match inputs:
            case Texts((text,)) if len(prefix.seam) + len(text) <= EXACT_CHARACTERS:
                return _check(self._encode_group([text], prefix), length_max)
            case Texts(texts):
                return self._encode_texts(texts, prefix, length_max)
            case TokenIds(items):
                return self._adopt(items, length_max)
            case _:
                assert_never(inputs)

    def _encode_texts(
        self, texts: Sequence[str], prefix: Prefix, length_max: int | None
    ) -> list[list[int]] | ApiError:
        sequences: list[list[int]] = []
        total = 0
        for group in group_texts(texts, len(prefix.text)):
            index = len(sequences)
            if (refused := self._refuse_endless(group, prefix, index, length_max)) is not None:
                return refused
            encoded = self._encode_group(group, prefix)
            if (refused := _check_lengths(encoded, index, length_max)) is not None:
                return refused
            sequences += encoded
            total += sum(map(len, encoded))
            if total > _COUNTED_TOKENS_MAX:
                return errors.max_tokens_per_request(total, REQUEST_TOKENS_MAX, at_least=True)
        return _check(sequences, None)

    def _encode_group(self, texts: Sequence[str], prefix: Prefix) -> list[list[int]]:
        """Encode texts, each with the prefix before it, of which the settled part costs nothing."""
        whole = [prefix.seam + text for text in texts]
        encoded = self._from_pieces(whole) or self._ask(whole)
        head, tail = [*self._frame.head, *prefix.settled], self._frame.tail
        return [head + ids + tail for ids in encoded]

    def _from_pieces(self, texts: Sequence[str]) -> list[list[int]] | None:
        """Encode texts, if none is long and each is made of what can be known."""
        if self._pieces is None or max(map(len, texts)) > EXACT_CHARACTERS:
            return None
        encoded = []
        for text in texts:
            ids = self._pieces.encode(text)
            if ids is None:
                return None
            encoded.append(ids)
            time.sleep(0)  # lets go of the GIL, as the tokenizer would
        return encoded

    def _ask(self, texts: Sequence[str]) -> list[list[int]]:
        # Not encode(): it would keep the GIL, and everyone else waiting.
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _refuse_endless(
        self, group: Sequence[str], prefix: Prefix, index: int, length_max: int | None
    ) -> ApiError | None:
        """Return the error for a text whose beginning alone is too long; the first has `index`."""
        tokens_max = length_max or REQUEST_TOKENS_MAX
        for offset, text in enumerate(group):
            if has_endless_word(text):
                return errors.endless_word(index + offset, WORD_CHARACTERS)
            tokens = count_until(self._tokenizer, prefix.seam + text, tokens_max)
            match tokens, length_max:
                case int(), int():
                    return errors.context_length_exceeded(
                        length_max, tokens, index + offset, at_least=True
                    )
                case int(), None:
                    return errors.max_tokens_per_request(tokens, REQUEST_TOKENS_MAX, at_least=True)
        return None

    def _adopt(
        self, items: tuple[tuple[int, ...], ...], length_max: int | None
    ) -> list[list[int]] | ApiError:
        if not self._card.token_ids_accepted:
            return errors.invalid_parameter("input", "Token ids are not accepted here; send text")
        size = self._card.vocabulary_size
        for index, ids in enumerate(items):
            # Loops in C: a body within its limit can hold four million ids.
            for token in (min(ids), max(ids)):
                if not 0 <= token < size:
                    message = f"Token id {token} in input {index} is not in [0, {size})"
                    return errors.invalid_parameter("input", message)
        return _check([self._frame.complete(list(ids)) for ids in items], length_max)


def _check(sequences: list[list[int]], length_max: int | None) -> list[list[int]] | ApiError:
    """Return all sequences of a request, or why they are too long, each or together."""
    if (refused := _check_lengths(sequences, 0, length_max)) is not None:
        return refused
    total = sum(map(len, sequences))
    if total > REQUEST_TOKENS_MAX:
        return errors.max_tokens_per_request(total, REQUEST_TOKENS_MAX)
    return sequences


def _check_lengths(
    sequences: list[list[int]], index: int, length_max: int | None
) -> ApiError | None:
    """Return the error for the first sequence that is too long; the first of all has `index`."""
    if length_max is None:
        return None
    for offset, ids in enumerate(sequences):
        if len(ids) > length_max:
            return errors.context_length_exceeded(length_max, len(ids), index + offset)
    return None
