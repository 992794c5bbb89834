"""Texts too long for any model, found without tokenising all of them."""

from collections.abc import Iterable, Iterator
from typing import Final

from tokenizers import Tokenizer

EXACT_CHARACTERS: Final = 65_536
"""A text up to this long is always counted whole, so that the error it gets is exact."""

_GROUP_CHARACTERS: Final = 262_144
"""Characters encoded together: what is held at a time, besides the ids."""

_UNSURE_WORDS: Final = 2
"""Words at a cut that the rest of the text could change: the cut one, and the space before it."""


def group_texts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts in order, in groups of a bounded length; a longer text comes alone."""
    group: list[str] = []
    characters = 0
    for text in texts:
        if group and characters + len(text) > _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
        group.append(text)
        characters += len(text)
    if group:
        yield group


def count_until(tokenizer: Tokenizer, text: str, tokens_max: int) -> int | None:
    """Return a number over `tokens_max` that a text has at least, or None where none was found.

    Counts growing beginnings of a long text, so it never costs much more than the text is allowed.
    """
    end = EXACT_CHARACTERS
    while end < len(text):
        tokens = _certain_tokens(tokenizer, text[:end])
        if tokens > tokens_max:
            return tokens
        likely = end * tokens_max // max(1, tokens)
        end = min(max(likely + likely // 8, 2 * end), 32 * end)
    return None


def _certain_tokens(tokenizer: Tokenizer, beginning: str) -> int:
    """Return how many tokens a text has before the words that its continuation could change."""
    # encode() would keep the GIL, for seconds where a text is one long word.
    (encoding,) = tokenizer.encode_batch([beginning])
    words = [word for word in encoding.word_ids if word is not None]
    if not words:
        return 0
    return sum(1 for word in words if word <= words[-1] - _UNSURE_WORDS)
