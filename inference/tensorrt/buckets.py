"""Which lengths rows are padded to.

Each length is about a quarter more than the one before: three for each doubling. Fewer would pad
more (two for each doubling: 15 to 17 % of what is computed, against 10 to 11 %), more would only
make compiling longer, and memory fuller, for each is a profile of its own. `waste` has the figures.
"""

from typing import Final

from inference.serving import Bucket

_SHORTEST: Final = 16
"""Below, a batch of rows takes no longer than one of these."""
_STEPS_PER_DOUBLING: Final = 3
_MULTIPLE: Final = 8
"""Tensor cores work on so many at once."""


def plan_buckets(context_tokens: int, tokens_max: int, rows_max: int) -> tuple[Bucket, ...]:
    """Plan for rows of up to `context_tokens`, shortest first.

    A batch has at most `rows_max` rows, and `tokens_max` tokens, padding included; a row that is
    longer by itself is a batch of its own.
    """
    lengths = {context_tokens}
    step = 0
    while (length := _length(step)) < context_tokens:
        lengths.add(length)
        step += 1
    return tuple(
        Bucket(length, max(1, min(rows_max, tokens_max // length))) for length in sorted(lengths)
    )


def _length(step: int) -> int:
    exact: float = _SHORTEST * 2 ** (step / _STEPS_PER_DOUBLING)
    return round(exact / _MULTIPLE) * _MULTIPLE
