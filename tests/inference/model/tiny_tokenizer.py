"""A tokenizer for checkpoints that know only a few dozen tokens: a token for each word."""

from typing import Final

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

_WORDS: Final = (
    *("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", ".", ":"),
    *("a", "texts", "into", "vectors", "return", "radius", "at", "water", "boil", "?"),
)
_UNKNOWN: Final = "[UNK]"
_END: Final = "[END]"
_FIRST: Final = 20
"""Above what tests damage in the weights."""


def tiny_tokenizer() -> bytes:
    """Return the file of a tokenizer whose ids are below 50, and which ends every text."""
    words = (_UNKNOWN, _END, *_WORDS)
    ids = {word: _FIRST + index for index, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=_UNKNOWN))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single=f"$A {_END}", special_tokens=[(_END, ids[_END])]
    )
    return tokenizer.to_str().encode()
