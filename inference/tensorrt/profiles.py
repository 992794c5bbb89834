"""The shapes that a plan is made for: one for each bucket."""

from collections.abc import Sequence
from itertools import pairwise
from typing import assert_never

from inference.serving import Bucket
from inference.tensorrt.compiler import CompileError, Profile, Range
from inference.variant import Form


def make_profiles(form: Form, buckets: Sequence[Bucket], positions: int | None) -> list[Profile]:
    """Return profile `i` for bucket `i`, by the names that the graph gives its dimensions.

    A padded bucket takes rows that are longer than those of the bucket before, so that each shape
    has one profile. The `length` of a packed bucket is that of all its rows together. Every one is
    tuned for a full batch: there the GPU is busy longest.

    Raises:
        CompileError: there is no bucket, they are not in order, or one has rows with more tokens
            than the graph's `positions`.
    """
    lengths = [bucket.length for bucket in buckets]
    if not buckets or any(shorter >= longer for shorter, longer in pairwise([0, *lengths])):
        raise CompileError(f"buckets have lengths that grow, and not {lengths}")
    match form:
        case Form.PADDED:
            if positions is not None and lengths[-1] > positions:
                raise CompileError(
                    f"a bucket has rows of {lengths[-1]} tokens; the graph knows {positions}"
                    " positions"
                )
            least = [shorter + 1 for shorter in (0, *lengths[:-1])]
            return [_padded(*each) for each in zip(buckets, least, strict=True)]
        case Form.PACKED:
            return [_packed(bucket) for bucket in buckets]
        case never:
            assert_never(never)


def _padded(bucket: Bucket, length_least: int) -> Profile:
    return {
        "rows": Range(1, bucket.rows, bucket.rows),
        "longest": Range(length_least, bucket.length, bucket.length),
    }


def _packed(bucket: Bucket) -> Profile:
    return {
        "tokens": Range(1, bucket.length, bucket.length),
        "rows_and_one": Range(2, bucket.rows + 1, bucket.rows + 1),
    }
