"""How sequences are split into batches."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.batches import plan_batches

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=120)


def plan(lengths: list[int], tokens_max: int = 100, rows_max: int = 32) -> list[list[int]]:
    """The positions that each batch holds."""
    sequences = tuple([7] * length for length in lengths)
    return [list(batch.positions) for batch in plan_batches(sequences, tokens_max, rows_max)]


@given(lengths)
def test_every_sequence_is_in_exactly_one_batch(lengths: list[int]) -> None:
    """Nothing is lost and nothing is run twice."""
    positions = [position for batch in plan(lengths) for position in batch]
    assert sorted(positions) == list(range(len(lengths)))


@given(lengths, st.integers(1, 40))
def test_a_batch_stays_within_its_rows_and_padded_tokens(lengths: list[int], rows: int) -> None:
    """Padding counts, and only a sequence that is too long by itself passes the bound, alone."""
    for batch in plan(lengths, tokens_max=50, rows_max=rows):
        longest = max(lengths[position] for position in batch)
        assert len(batch) <= rows
        assert len(batch) * longest <= 50 or len(batch) == 1


@given(lengths)
def test_batches_hold_similar_lengths(lengths: list[int]) -> None:
    """No sequence of a batch is longer than any of the next, so padding is as little as can be."""
    batches = plan(lengths)
    for batch, following in pairwise(batches):
        assert max(lengths[position] for position in batch) <= min(
            lengths[position] for position in following
        )


def test_a_batchs_sequences_are_those_of_its_positions() -> None:
    """What is computed for a position is put there."""
    sequences = ([1, 2, 3], [4], [5, 6])
    (batch,) = plan_batches(sequences, 100, 32)
    assert batch.sequences == ([4], [5, 6], [1, 2, 3])
    assert batch.positions == (1, 2, 0)
