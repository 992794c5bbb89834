"""Tokenises ASCII texts from what their pieces became before, several times faster.

Tokenizers first split a text into pieces, words mostly, and then look at each by itself. So a piece
has the same tokens wherever it stands, and most texts are made of pieces that were seen before. How
two kinds of tokenizer split is known here, for ASCII only: outside it, Unicode's tables decide, and
the tokenizer itself is asked.
"""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final, Self

import orjson
from tokenizers import Tokenizer

_PIECES_MAX: Final = 65_536
_PIECE_CHARACTERS_MAX: Final = 32
"""Longer pieces, rare in prose, are not worth their memory."""

_BERT: Final = re.compile(r"[^\t\n\r -/:-@\[-`{-~]+|[!-/:-@\[-`{-~]")
"""Words, and each punctuation mark by itself; other control characters vanish inside of words."""

_QWEN_IN_UNICODE: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""As it stands in the tokenizer.json of Qwen 2 and 3."""

_QWEN: Final = re.compile(
    r"'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]"
    r"| ?[^\t-\r A-Za-z0-9]+[\r\n]*|[\t-\r ]*[\r\n]+|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]+"
)
"""The same within ASCII."""

_SAMPLES: Final = (
    "Don't panic: it's 42.5% of $1,000 -- we'll see, THEY'VE said (twice)!",
    " leading\ttabs\n\n  and  many   spaces \r\n at the end  ",
    'def f(x): return {"a_b": (x**2, ~x), \'c\': "x@y.z"}  # <tag/> `code` \\n ^| ;',
    "\x00nul\x0bvertical\x0cform\x1cseparator\x7fdelete antidisestablishmentarianism" + "a" * 120,
)


class Pieces:
    """What tokens pieces have, as the tokenizer itself has shown.

    Only ever wrong where `split` is not how the tokenizer splits, so `learn_from` proves it before.
    """

    def __init__(self, tokenizer: Tokenizer, split: re.Pattern[str], marks: frozenset[str]) -> None:
        """A text with one of `marks` may hold a special token, which is found before splitting."""
        self._tokenizer = tokenizer
        self._split = split
        self._marks = marks
        self._ids: dict[str, tuple[int, ...]] = {}

    @classmethod
    def learn_from(cls, tokenizer: Tokenizer) -> Self | None:
        """Return pieces of a tokenizer that splits in a known way; nothing for any other."""
        described = orjson.loads(tokenizer.to_str())
        split = _find_split(described)
        contents = [token["content"] for token in described["added_tokens"]]
        if split is None or any(not content or content[0].isalnum() for content in contents):
            return None
        pieces = cls(tokenizer, split, frozenset(content[0] for content in contents))
        return pieces if pieces._agree() else None

    def count(self, text: str) -> int | None:
        """Return how many tokens a text has, special ones apart; nothing where it is not known."""
        found = self._find(text)
        return None if found is None else sum(map(len, found))

    def encode(self, text: str) -> list[int] | None:
        """Return a text's ids, special ones apart; nothing where they are not known."""
        found = self._find(text)
        return None if found is None else list(chain.from_iterable(found))

    def _find(self, text: str) -> Iterable[tuple[int, ...]] | None:
        """Return the ids of each piece of a text."""
        if not text.isascii() or any(mark in text for mark in self._marks):
            return None
        pieces = self._split.findall(text)
        try:
            return [*map(self._ids.__getitem__, pieces)]
        except KeyError:
            return self._ask(pieces)

    def _ask(self, pieces: list[str]) -> Iterable[tuple[int, ...]] | None:
        """Ask the tokenizer for what is not known, and remember it."""
        known = self._ids
        missing = [piece for piece in dict.fromkeys(pieces) if piece not in known]
        # Not encode(): it would keep the GIL.
        encodings = self._tokenizer.encode_batch(missing, add_special_tokens=False)
        if any(any(encoding.word_ids) for encoding in encodings):
            return None  # it was not one piece to the tokenizer
        learned = {
            piece: tuple(encoding.ids) for piece, encoding in zip(missing, encodings, strict=True)
        }
        found = [learned[piece] if piece in learned else known[piece] for piece in pieces]
        if len(known) + len(learned) > _PIECES_MAX:
            self._ids = known = {}
        short = (piece for piece in learned if len(piece) <= _PIECE_CHARACTERS_MAX)
        known.update((piece, learned[piece]) for piece in short)
        return found

    def _agree(self) -> bool:
        """Tell whether what is remembered of pieces adds up to what the tokenizer gives."""
        for text in _SAMPLES:
            (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
            if any(self.encode(text) not in (None, encoding.ids) for _ in range(2)):
                return False
        return len(self._ids) > len(_SAMPLES)


def _find_split(described: dict[str, Any]) -> re.Pattern[str] | None:
    """Return how the tokenizer splits ASCII, by its own description."""
    normalizer, splitter = described["normalizer"], described["pre_tokenizer"]
    match normalizer, splitter, described["model"]["type"]:
        case {"type": "BertNormalizer", "clean_text": True}, {"type": "BertPreTokenizer"}, str():
            return _BERT
        case None | {"type": "NFC"}, {"type": "Sequence", "pretokenizers": [first, second]}, "BPE":
            return _QWEN if _is_qwen(first, second) else None
        case _:
            return None


def _is_qwen(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return (
        first
        == {
            "type": "Split",
            "pattern": {"Regex": _QWEN_IN_UNICODE},
            "behavior": "Isolated",
            "invert": False,
        }
        and second["type"] == "ByteLevel"
        and not second["add_prefix_space"]
        and not second["use_regex"]
    )
