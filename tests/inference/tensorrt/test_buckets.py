"""Lengths that rows are padded to, and what that costs."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.scheduler.shapes import Shapes
from inference.serving import Bucket
from inference.tensorrt import lengths
from inference.tensorrt.buckets import plan_buckets
from inference.tensorrt.lengths import Lengths
from inference.tensorrt.waste import padding_waste

_PAGES = Path(__file__).parents[3] / "docs" / "decisions"
_BUCKETS = plan_buckets(context_tokens=8192, tokens_max=4096, rows_max=64)
_TRAFFIC: dict[str, Lengths] = {
    "passages (SQuAD 1.1)": lengths.squad_passages(),
    "texts of up to 511 tokens (Wikipedia)": lengths.wikipedia_texts(),
    "queries with their instruction (model)": lengths.search_queries(),
    "all three mixed": lengths.mixed(
        lengths.squad_passages(), lengths.wikipedia_texts(), lengths.search_queries()
    ),
}
_ROW = re.compile(r"^\| ([^|]+?) +\| ([\d.]+) \| ([\d.]+) % \|$", re.MULTILINE)


@given(st.integers(1, 40_960), st.integers(1, 20_000), st.integers(1, 256))
def test_every_row_has_a_bucket_and_every_bucket_keeps_within_the_budget(
    context_tokens: int, tokens_max: int, rows_max: int
) -> None:
    """A row over the budget is alone; and rows of the longest kind are not padded further."""
    buckets = plan_buckets(context_tokens, tokens_max, rows_max)
    assert buckets[-1].length == context_tokens
    assert all(shorter.length < longer.length for shorter, longer in pairwise(buckets))
    for bucket in buckets:
        assert 1 <= bucket.rows <= rows_max
        assert bucket.rows == 1 or bucket.rows * bucket.length <= tokens_max
        assert bucket.rows == rows_max or (bucket.rows + 1) * bucket.length > tokens_max


@given(st.integers(33, 40_960), st.data())
def test_no_row_is_padded_by_much(context_tokens: int, data: st.DataObject) -> None:
    """From 33 tokens on, less than a third of what is computed for a row is padding."""
    tokens = data.draw(st.integers(33, context_tokens))
    buckets = plan_buckets(context_tokens, 4096, 64)
    assert padding_waste({tokens: 1}, buckets) < 1 / 3


@pytest.mark.parametrize("kind", _TRAFFIC)
def test_less_than_15_percent_of_what_is_computed_is_padding(kind: str) -> None:
    """For lengths that others have published."""
    assert padding_waste(_TRAFFIC[kind], _BUCKETS) < 0.15


def test_the_documented_figures_are_these() -> None:
    """The page's table: the mean length, and the share of padding, of each kind of text."""
    (page,) = _PAGES.glob("*-three-buckets-for-each-doubling.md")
    documented = {kind: (mean, share) for kind, mean, share in _ROW.findall(page.read_text())}
    assert documented == {
        kind: (f"{_mean(each):.1f}", f"{100 * padding_waste(each, _BUCKETS):.1f}")
        for kind, each in _TRAFFIC.items()
    }


def test_waste_is_what_the_adapter_pads() -> None:
    """Counted row by row with the adapter's own choice of shapes."""
    shapes = Shapes.plan(_BUCKETS, rows_max=64, tokens_max=4096)
    rows = {1: 3, 16: 1, 17: 2, 500: 4, 513: 1}
    padded = sum(
        shapes.shapes[shapes.find(tokens)].cost(tokens) * count for tokens, count in rows.items()
    )
    real = sum(tokens * count for tokens, count in rows.items())
    assert padding_waste(rows, _BUCKETS) == pytest.approx(1 - real / padded)


def test_a_row_beyond_every_bucket_is_no_waste_but_a_mistake() -> None:
    """The adapter never lets one through."""
    with pytest.raises(ValueError, match="33 tokens"):
        padding_waste({33: 1}, [Bucket(32, 1)])


def _mean(kind: Lengths) -> float:
    return sum(tokens * rows for tokens, rows in kind.items()) / sum(kind.values())
