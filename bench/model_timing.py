"""Times a model: how many tokens a second, and how long a query waits beside bulk load."""

import time
from collections.abc import Callable, Sequence
from itertools import count, cycle
from statistics import quantiles

import numpy as np

from bench.model_messages import Waits
from inference.engine.rows import Ids, Vectors

Embed = Callable[[list[Ids]], Vectors]
Batches = Sequence[list[Ids]]


def measure_rate(embed: Embed, batches: Batches, seconds: float) -> float:
    """Return tokens a second; each batch runs once before, so that all is warm."""
    for batch in batches:
        embed(batch)
    tokens = 0
    began = time.perf_counter()
    for batch in cycle(batches):
        embed(batch)
        tokens += _tokens(batch)
        if (passed := time.perf_counter() - began) >= seconds:
            return tokens / passed
    raise ValueError("there are no batches")


def measure_waits(
    embed: Embed,
    bulk: Batches,
    queries: list[Ids],
    arrivals: Sequence[float],
    clock: Callable[[], float] = time.perf_counter,
) -> Waits:
    """Let queries arrive at some moments; all that wait run together before the next bulk batch.

    One batch is under way at a time, so a query waits for the end of the one that it met.
    """
    waits: list[float] = []
    tokens = 0
    began = clock()
    for number in count():
        now = clock() - began
        due = [each for each in arrivals[len(waits) :] if each <= now]
        if due:
            embed([queries[(len(waits) + place) % len(queries)] for place in range(len(due))])
            done = clock() - began
            waits += [done - each for each in due]
        elif len(waits) == len(arrivals):
            break
        else:
            batch = bulk[number % len(bulk)]
            embed(batch)
            tokens += _tokens(batch)
    return summarise(waits, tokens / (clock() - began))


def draw_arrivals(per_second: float, seconds: float) -> list[float]:
    """Return moments within some seconds, each as likely as any other; always the same."""
    random = np.random.default_rng(6)
    moments: list[float] = sorted(random.uniform(0, seconds, int(seconds * per_second)).tolist())
    return moments


def summarise(waits: Sequence[float], bulk_tokens_per_second: float) -> Waits:
    """Return the percentiles of at least two waits in seconds."""
    cuts = quantiles(waits, n=100, method="inclusive")
    return Waits(len(waits), cuts[49] * 1e3, cuts[98] * 1e3, bulk_tokens_per_second)


def _tokens(batch: list[Ids]) -> int:
    return sum(map(len, batch))
