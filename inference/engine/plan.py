"""Which sequences run together."""

from collections.abc import Callable, Iterator, Sequence

Plan = Callable[[Sequence[int], int], Iterator[list[int]]]
"""From the sequences' lengths and the tokens of a run at most to the indices of each run."""


def plan_runs(lengths: Sequence[int], tokens_max: int) -> Iterator[list[int]]:
    """Yield the indices of each run, shortest sequences first.

    Neighbours in length share a run, so little of attention is spent on padding, and short
    sequences are answered before long ones. Padded tokens stay within `tokens_max`, which also
    bounds attention's memory; a longer sequence runs alone.
    """
    run: list[int] = []
    for index in _shortest_first(lengths):
        if run and (len(run) + 1) * lengths[index] > tokens_max:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def plan_packed_runs(lengths: Sequence[int], tokens_max: int) -> Iterator[list[int]]:
    """Yield the same where nothing is padded: the real tokens stay within `tokens_max`."""
    run: list[int] = []
    tokens = 0
    for index in _shortest_first(lengths):
        if run and tokens + lengths[index] > tokens_max:
            yield run
            run, tokens = [], 0
        run.append(index)
        tokens += lengths[index]
    if run:
        yield run


def _shortest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lengths.__getitem__)
