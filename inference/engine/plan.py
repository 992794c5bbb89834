"""Which sequences run together."""

from collections.abc import Iterator, Sequence


def plan_runs(lengths: Sequence[int], tokens_max: int) -> Iterator[list[int]]:
    """Yield the indices of each run, shortest sequences first.

    Neighbours in length share a run, so little of attention is spent on padding, and short
    sequences are answered before long ones. Padded tokens stay within `tokens_max`, which also
    bounds attention's memory; a longer sequence runs alone.
    """
    run: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if run and (len(run) + 1) * lengths[index] > tokens_max:
            yield run
            run = []
        run.append(index)
    if run:
        yield run
