"""A request as the scheduler sees it, and a batch of rows as it makes them."""

from dataclasses import dataclass
from typing import Self

from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.shapes import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One request's rows. `key` is whose they are; `number` grows with each request."""

    key: str
    lane: Lane
    sequences: tuple[list[int], ...]
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Formed:
    """Rows to run together: of each job, the positions of its rows in its request.

    `tokens` are real ones; `padded_tokens` are what the model computes.
    """

    lane: Lane
    shape: Shape
    parts: dict[Job, list[int]]
    tokens: int
    padded_tokens: int

    @property
    def sequences(self) -> tuple[list[int], ...]:
        """The rows, job by job."""
        return tuple(
            job.sequences[position]
            for job, positions in self.parts.items()
            for position in positions
        )

    @property
    def is_shared(self) -> bool:
        """Tell whether it holds rows of several requests."""
        return len(self.parts) > 1

    def apart(self, job: Job) -> Self:
        """Return a batch of one job's rows in this one."""
        positions = self.parts[job]
        lengths = [len(job.sequences[position]) for position in positions]
        return type(self)(
            self.lane,
            self.shape,
            {job: positions},
            tokens=sum(lengths),
            padded_tokens=sum(map(self.shape.cost, lengths)),
        )
