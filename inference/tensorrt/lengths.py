"""How long texts are, as others have published it: what `waste` is computed for.

Counts of tokens, special ones included, by BERT's tokenizer, from the histograms beside Krell et
al., "Efficient Sequence Packing without Cross-contamination" (arXiv 2107.02027), in
github.com/graphcore/examples, tutorials/blogs_code/packedBERT/histograms.py: here eight lengths to
a count, and without the last, which holds whatever was cut there.

Queries have no such histogram. Of MS MARCO's the maintainers published the mean, 6.4 words
(github.com/spacemanidol/MSMARCO), so theirs are a model: lengths spread as Arampatzis and Kamps
found short queries to be (Poisson; "A Study of Query Length", SIGIR 2008), behind the instruction
that Qwen3 wants.
"""

import math
from collections.abc import Mapping
from typing import Final

Lengths = Mapping[int, float]
"""How many rows there are of each number of tokens; only their relation matters."""

_PER_BIN: Final = 8
_SQUAD: Final = (
    *(0, 0, 0, 0, 24, 269, 672, 816, 999, 1209, 1240, 1302, 1658, 2711, 4525, 5742),
    *(6326, 6102, 5942, 5641, 4895, 4553, 4146, 3709, 3115, 2768, 2415, 2124, 1931, 1607, 1423),
    *(1299, 1283, 1064, 956, 738, 816, 624, 575, 452, 410, 310, 309, 284, 174, 150, 157, 122),
)
_WIKIPEDIA: Final = (
    *(6331, 45532, 176473, 356499, 515880, 583728, 598874, 579762, 535062, 485161, 435864),
    *(397233, 361800, 333886, 310569, 291229, 274868, 260125, 245659, 233778, 223291, 214357),
    *(205922, 197542, 190531, 183496, 175456, 170890, 165235, 159303, 154216, 150438, 144900),
    *(140902, 135907, 132496, 128725, 125382, 122962, 118932, 116597, 113641, 111253, 108284),
    *(106349, 103576, 101256, 98553, 96660, 94630, 92876, 91106, 89016, 87822, 85960, 84448),
    *(82601, 80691, 79754, 78348, 77153, 76062, 74289, 64387),
)
_INSTRUCTION_TOKENS: Final = 22
"""`Instruct: Given a web search query, ...`, and the token at the end."""
_QUERY_TOKENS_MEAN: Final = 8.0
"""Of 6.4 words, with a quarter more tokens than words."""
_QUERY_TOKENS_MAX: Final = 40


def squad_passages() -> Lengths:
    """Return SQuAD 1.1's paragraphs, each with a question: passages as they are retrieved."""
    return _spread(_SQUAD)


def wikipedia_texts() -> Lengths:
    """Return pieces of Wikipedia of up to 511 tokens: texts of any length."""
    return _spread(_WIKIPEDIA)


def search_queries() -> Lengths:
    """Return queries with their instruction."""
    return {
        _INSTRUCTION_TOKENS + tokens: math.exp(-_QUERY_TOKENS_MEAN)
        * _QUERY_TOKENS_MEAN**tokens
        / math.factorial(tokens)
        for tokens in range(1, _QUERY_TOKENS_MAX + 1)
    }


def mixed(*kinds: Lengths) -> Lengths:
    """Mix kinds of texts, of each the same number of rows."""
    totals = [sum(kind.values()) for kind in kinds]
    return {
        tokens: sum(kind.get(tokens, 0) / total for kind, total in zip(kinds, totals, strict=True))
        for tokens in sorted({tokens for kind in kinds for tokens in kind})
    }


def _spread(bins: tuple[int, ...]) -> Lengths:
    return {
        index * _PER_BIN + tokens: count / _PER_BIN
        for index, count in enumerate(bins)
        for tokens in range(1, _PER_BIN + 1)
        if count
    }
