"""Which rows share a batch, and what they cost there."""

import pytest

from inference.adapter.scheduler.shapes import Shapes
from inference.serving import Bucket

BUCKETS = (Bucket(16, 64), Bucket(32, 8), Bucket(128, 1))


@pytest.mark.parametrize(
    ("tokens", "length"), [(1, 16), (16, 16), (17, 32), (32, 32), (33, 128), (128, 128)]
)
def test_a_row_has_the_shortest_bucket_that_holds_it(tokens: int, length: int) -> None:
    """Padding is as little as the buckets allow, and is what the row costs."""
    shapes = Shapes.plan(BUCKETS, 32, 256)
    assert shapes.shapes[shapes.find(tokens)].length == length
    assert shapes.cost(tokens) == length


def test_a_row_longer_than_every_bucket_is_alone() -> None:
    """It costs what it is, and takes nobody with it if the engine refuses it."""
    shapes = Shapes.plan(BUCKETS, 32, 2560)
    shape = shapes.shapes[shapes.find(129)]
    assert shape.cost(129) == 129
    assert not shape.has_room(rows=1, tokens=129, cost=129)


def test_a_batch_is_full_by_its_buckets_rows_the_models_or_its_tokens() -> None:
    """Whichever comes first; an engine takes no more than it was compiled for."""
    first, second, *_ = Shapes.plan(BUCKETS, 32, 320).shapes
    assert first.has_room(rows=19, tokens=19 * 16, cost=16)
    assert not first.has_room(rows=20, tokens=20 * 16, cost=16)
    assert second.has_room(rows=7, tokens=7 * 32, cost=32)
    assert not second.has_room(rows=8, tokens=8 * 32, cost=32)
    (*_, few, _) = Shapes.plan((Bucket(16, 64), Bucket(32, 64)), 4, 10_000).shapes
    assert not few.has_room(rows=4, tokens=4 * 32, cost=32)


def test_an_empty_batch_has_room_for_any_row() -> None:
    """A row over the budget is run, alone, and never refused for its size."""
    for buckets in ((), BUCKETS):
        for shape in Shapes.plan(buckets, 32, 8).shapes:
            assert shape.has_room(rows=0, tokens=0, cost=10_000)


def test_without_buckets_rows_of_any_lengths_share_a_batch() -> None:
    """And cost what they are."""
    shapes = Shapes.plan((), 32, 100)
    assert {shapes.find(tokens) for tokens in (1, 50, 1000)} == {0}
    assert [shapes.cost(tokens) for tokens in (1, 50, 1000)] == [1, 50, 1000]
