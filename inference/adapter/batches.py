"""How a request's sequences are split into batches."""

from collections.abc import Iterator

from inference.adapter.embedder import Batch


def plan_batches(
    sequences: tuple[list[int], ...], tokens_max: int, rows_max: int
) -> Iterator[Batch]:
    """Group sequences of similar length, so that little is padded.

    A batch holds at most `rows_max` sequences and `tokens_max` tokens, padding included; a
    sequence that is longer by itself is a batch of its own.
    """
    if len(sequences) == 1:
        yield Batch((0,), sequences)
        return
    positions: list[int] = []
    for position in sorted(range(len(sequences)), key=lambda at: len(sequences[at])):
        longest = len(sequences[position])  # the order is by length
        full = len(positions) == rows_max or (len(positions) + 1) * longest > tokens_max
        if positions and full:
            yield _pick(sequences, positions)
            positions = []
        positions.append(position)
    yield _pick(sequences, positions)


def _pick(sequences: tuple[list[int], ...], positions: list[int]) -> Batch:
    return Batch(tuple(positions), tuple(sequences[position] for position in positions))
