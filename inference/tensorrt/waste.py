"""How much of what is computed is padding.

The adapter batches rows of one bucket with each other, and a batch has as many rows as it has: so
what is padded is each row to the length of its own bucket, and nothing else.
"""

from bisect import bisect_left
from collections.abc import Sequence

from inference.serving import Bucket
from inference.tensorrt.lengths import Lengths


def padding_waste(lengths: Lengths, buckets: Sequence[Bucket]) -> float:
    """Return the share of tokens that are padding, 0..1, over many rows of such lengths.

    Raises:
        ValueError: a row is longer than every bucket.
    """
    real = sum(tokens * rows for tokens, rows in lengths.items())
    computed = sum(_padded(tokens, buckets) * rows for tokens, rows in lengths.items())
    return 1 - real / computed


def _padded(tokens: int, buckets: Sequence[Bucket]) -> int:
    index = bisect_left(buckets, tokens, key=lambda bucket: bucket.length)
    if index == len(buckets):
        raise ValueError(f"a row of {tokens} tokens is longer than every bucket")
    return buckets[index].length
