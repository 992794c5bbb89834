"""What a model is given to do: batches of one length each, and mixed traffic."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.model_shape import flop_per_token
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.rows import Ids
from inference.tensorrt.lengths import (
    Lengths,
    mixed,
    search_queries,
    squad_passages,
    wikipedia_texts,
)

MIXED: Final = "mixed"
_LENGTHS: Final = (32, 128, 512, 2048, 8192)
_MIXED_ROWS: Final = 80
_QUERIES: Final = 64
_PARITY: Final = (1, 2, 3, 7, 17, 64, 100, 129, 300, 511, 600, 1025)

Run = tuple[int, ...]
"""The lengths of sequences that are run together."""


@dataclass(frozen=True, slots=True)
class Work:
    """Runs, one after the other; `name` is a length or MIXED."""

    name: str
    runs: tuple[Run, ...]

    @property
    def tokens(self) -> int:
        """Of all runs."""
        return sum(map(sum, self.runs))

    def flop(self, config: Qwen3Config) -> float:
        """Return the operations of a token, on average over all runs."""
        lengths = [length for run in self.runs for length in run]
        total = sum(length * flop_per_token(config, length) for length in lengths)
        return total / self.tokens


def plan_works(config: Qwen3Config, tokens_max: int) -> tuple[Work, ...]:
    """Return all that the model can run, a batch's tokens within `tokens_max` where it has rows."""
    fixed = (length for length in _LENGTHS if length <= config.context_tokens)
    works = (Work(str(n), ((n,) * max(1, tokens_max // n),)) for n in fixed)
    return (*works, Work(MIXED, _mix(tokens_max)))


def draw_ids(run: Sequence[int], vocabulary_size: int, random: np.random.Generator) -> list[Ids]:
    """Return a sequence of each length, as the tokenizer ends it."""
    end = vocabulary_size - 1
    return [np.append(random.integers(0, end, n - 1), end).astype(np.int32) for n in run]


def query_lengths() -> Run:
    """Return the lengths of some search queries."""
    random = np.random.default_rng(5)
    return _draw(search_queries(), _QUERIES, random)


def parity_lengths(config: Qwen3Config) -> Run:
    """Return the lengths of the sequences that engines are compared by."""
    return tuple(length for length in _PARITY if length <= config.context_tokens)


def _mix(tokens_max: int) -> tuple[Run, ...]:
    """Queries, passages and longer texts, as many of each; published lengths, drawn at random."""
    random = np.random.default_rng(4)
    kinds = mixed(search_queries(), squad_passages(), wikipedia_texts())
    lengths = _draw(kinds, _MIXED_ROWS, random)
    return tuple(_pack(lengths, tokens_max))


def _pack(lengths: Run, tokens_max: int) -> Iterator[Run]:
    """Cut the sequence of arrivals into batches, as a scheduler does that reorders nothing."""
    run: list[int] = []
    for length in lengths:
        if run and sum(run) + length > tokens_max:
            yield tuple(run)
            run = []
        run.append(length)
    yield tuple(run)


def _draw(lengths: Lengths, count: int, random: np.random.Generator) -> Run:
    chances = np.array(list(lengths.values()))
    drawn = random.choice(list(lengths), count, p=chances / math.fsum(chances))
    return tuple(drawn.tolist())
