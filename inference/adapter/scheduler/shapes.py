"""Which rows may share a batch, what each of them costs there, and when a batch is full."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Self

from inference.serving import Bucket


@dataclass(frozen=True, slots=True)
class Shape:
    """Batches whose rows are padded to `length` tokens, or of rows of any lengths where None."""

    length: int | None
    rows_max: int
    tokens_max: int

    def cost(self, tokens: int) -> int:
        """Return the tokens that the model computes for a row of so many."""
        return tokens if self.length is None else self.length

    def has_room(self, rows: int, tokens: int, cost: int) -> bool:
        """Tell whether a batch of `rows` and `tokens` can take one more row of this cost.

        An empty one always can, so a row over the budget is run, alone.
        """
        return rows == 0 or (rows < self.rows_max and tokens + cost <= self.tokens_max)


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of a model's batches; `lengths` are those that end at one, shortest first."""

    shapes: tuple[Shape, ...]
    lengths: tuple[int, ...]
    tokens_max: int

    @classmethod
    def plan(cls, buckets: tuple[Bucket, ...], rows_max: int, tokens_max: int) -> Self:
        """Make one shape a bucket, and one for rows that are longer than all, each alone.

        Without buckets there is one shape, for rows of any lengths.
        """
        padded = tuple(
            Shape(bucket.length, min(bucket.rows, rows_max), tokens_max) for bucket in buckets
        )
        rest = Shape(None, 1 if buckets else rows_max, tokens_max)
        return cls((*padded, rest), tuple(bucket.length for bucket in buckets), tokens_max)

    def cost(self, tokens: int) -> int:
        """Return the tokens that the model computes for a row of so many."""
        return self.shapes[self.find(tokens)].cost(tokens)

    def find(self, tokens: int) -> int:
        """Return the index of the shape of a row: the shortest that holds it."""
        return bisect_left(self.lengths, tokens)
