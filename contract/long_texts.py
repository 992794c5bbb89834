"""Texts too long for any model, found without tokenising all of them."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from unicodedata import normalize

from tokenizers import Tokenizer

EXACT_CHARACTERS: Final = 65_536
"""A text up to this long is always counted whole, so that the error it gets is exact."""

_GROUP_CHARACTERS: Final = 262_144
"""Characters encoded together: what is held at a time, besides the ids."""

WORD_CHARACTERS: Final = 2**19
"""Longer runs are no language: a tokenizer takes seconds and a gigabyte over one of megabytes."""

_WORD_OR_SPACE: Final = re.compile(r"[^\W_]|\s")

_UNSURE_WORDS: Final = 2
"""Words at a cut that the rest of the text could change: the cut one, and the space before it."""


def group_texts(texts: Iterable[str], prefix_characters: int) -> Iterator[list[str]]:
    """Yield the texts in order, in groups of a bounded length; a longer text comes alone.

    Each counts with the prefix that it will have.
    """
    group: list[str] = []
    characters = 0
    for text in texts:
        length = prefix_characters + len(text)
        if group and characters + length > _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
        group.append(text)
        characters += length
    if group:
        yield group


def has_endless_word(text: str) -> bool:
    """Tell whether a long text has a run of letters, of spaces or of marks without an end.

    Found is each run of twice `WORD_CHARACTERS`, and none that is not longer than that.
    """
    if len(text) <= EXACT_CHARACTERS:
        return False
    # As tokenizers see it; a run of twice a block's length covers one of the blocks.
    seen = text if text.isascii() else normalize("NFC", text)
    return any(
        _is_one_run(seen[start : start + WORD_CHARACTERS])
        for start in range(0, len(seen) - WORD_CHARACTERS, WORD_CHARACTERS)
    )


def _is_one_run(block: str) -> bool:
    return block.isalpha() or block.isspace() or not _WORD_OR_SPACE.search(block)


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
