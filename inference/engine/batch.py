"""A batch of requests through the model, each answered as soon as its last row is done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference.engine.plan import Plan, plan_runs
from inference.engine.rows import Ids, Vectors

Embed = Callable[[list[Ids]], Vectors]


@dataclass(frozen=True, slots=True)
class NotFinite:
    """The model gave an answer with a NaN or an infinity, which nobody may see."""


class _Pending:
    """One request's vectors while its rows are under way."""

    def __init__(self, rows: int, width: int) -> None:
        self.vectors: Vectors = np.empty((rows, width), dtype=np.float32)
        self.missing = rows

    def put(self, row: int, vector: Vectors) -> None:
        self.vectors[row] = vector
        self.missing -= 1

    def answer(self) -> Vectors | NotFinite:
        return self.vectors if np.isfinite(self.vectors).all() else NotFinite()


def embed_requests(
    embed: Embed,
    requests: Sequence[list[Ids]],
    width: int,
    tokens_max: int,
    plan: Plan = plan_runs,
) -> Iterator[tuple[int, Vectors | NotFinite]]:
    """Run the rows of all requests together; yield (request's index, answer) as each completes."""
    places = [(index, row) for index, rows in enumerate(requests) for row in range(len(rows))]
    sequences = [requests[index][row] for index, row in places]
    pending = [_Pending(len(rows), width) for rows in requests]
    for run in plan([len(sequence) for sequence in sequences], tokens_max):
        vectors = embed([sequences[place] for place in run])
        for place, vector in zip(run, vectors, strict=True):
            index, row = places[place]
            pending[index].put(row, vector)
            if not pending[index].missing:
                yield index, pending[index].answer()
