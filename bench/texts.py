"""The texts that every benchmark sends: made here, the same on each run and for each side."""

import random
from typing import Final

_PROSE: Final = (
    "the quick order arrived late and our customer asks for a refund of the second parcel while "
    "support checks whether payment through invoice number was received in the billing system of "
    "Germany before shipping new hardware to their office near the river station on Monday morning"
)


def make_texts(count: int, words_mean: int, seed: int = 7) -> list[str]:
    """Return `count` sentences whose lengths spread evenly from half to one and a half the mean."""
    words = _PROSE.split()
    pick = random.Random(seed)  # noqa: S311 - reproducible texts, not secrets
    lengths = [pick.randint(words_mean // 2, words_mean * 3 // 2) for _ in range(count)]
    return [" ".join(pick.choices(words, k=length)) for length in lengths]


def make_text(words: int, seed: int) -> str:
    """Return a sentence of so many words."""
    pick = random.Random(seed)  # noqa: S311 - reproducible texts, not secrets
    return " ".join(pick.choices(_PROSE.split(), k=words))
