"""Which shapes a plan is made for."""

import pytest

from inference.serving import Bucket
from inference.tensorrt.compiler import CompileError, Range
from inference.tensorrt.profiles import make_profiles
from inference.variant import Form


def test_each_shape_of_a_padded_batch_has_one_profile() -> None:
    """So Triton has no choice, and a batch runs with what was tuned for it."""
    assert make_profiles(Form.PADDED, [Bucket(32, 16), Bucket(128, 4)], positions=128) == [
        {"rows": Range(1, 16, 16), "longest": Range(1, 32, 32)},
        {"rows": Range(1, 4, 4), "longest": Range(33, 128, 128)},
    ]


def test_a_packed_batch_has_up_to_so_many_tokens_in_all() -> None:
    """And one boundary more than rows; the positions bound single rows, which it does not."""
    assert make_profiles(Form.PACKED, [Bucket(4096, 64)], positions=512) == [
        {"tokens": Range(1, 4096, 4096), "rows_and_one": Range(2, 65, 65)}
    ]


@pytest.mark.parametrize("lengths", [[], [0], [64, 32], [32, 32]], ids=str)
def test_buckets_that_do_not_grow_are_refused(lengths: list[int]) -> None:
    """Some row would have two profiles, or none."""
    with pytest.raises(CompileError, match="lengths that grow"):
        make_profiles(Form.PADDED, [Bucket(length, 1) for length in lengths], positions=None)
