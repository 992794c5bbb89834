"""Rows that wait in one lane, taken so that no key waits for what another has queued.

Fair queueing over keys (after Goyal's start-time and Bennett and Zhang's WF2Q+), with batches. Each
key has a *tag*, the tokens that it was served, and the lane a *time*, what each key that waits
should have been: a batch moves it on by its tokens divided by those keys. A key begins at the
lane's time. The key with the least tag leads: its oldest row opens a batch and decides the batch's
shape, which rows of that shape fill, again of the key with the least tag. In tokens, padding
included, and where the largest batch may be one long row:

- Before a key that had nothing waiting leads, each other is served three of the largest batches at
  most; where one other has a backlog of full batches, it is served none.
- While two keys wait, in a lane of one shape, neither is served more than the other by over three
  of the largest batches.
- However many keys come and go, a key that waits leads again by the time that four of the largest
  batches were served for each key that waits.
- What a key is ahead or behind beyond one of the largest batches is forgotten: it was room that
  nobody else could use, or that the key itself did not ask for.
- The rows of one key lead in the order of its requests.

A row costs O(log keys). What is withdrawn costs nobody anything, its own key least of all.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace

from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.shapes import Shapes

_Rows = OrderedDict[Job, list[int]]
_Place = tuple[float, int]


@dataclass(slots=True, eq=False)
class _Flow:
    """One key's rows, by the index of their shape: of each job, the positions, the next one last.

    `listed` are the shapes in whose heap the flow is; a place there may be out of date, but only
    ever too far ahead.
    """

    tag: float
    tokens: int = 0
    rows: dict[int, _Rows] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)

    def place(self, shape: int) -> _Place | None:
        """Return where it stands among the keys that have rows of a shape."""
        rows = self.rows.get(shape)
        return (self.tag, next(iter(rows)).number) if rows else None


class FairQueue:
    """The rows of one lane."""

    def __init__(self, lane: Lane, shapes: Shapes) -> None:
        self._lane = lane
        self._shapes = shapes
        self._flows: dict[str, _Flow] = {}
        self._heaps: list[list[tuple[_Place, _Flow]]] = [[] for _ in shapes.shapes]
        self._tokens = 0
        self._begin()

    @property
    def tokens(self) -> int:
        """Tokens that wait, without padding."""
        return self._tokens

    def tokens_of(self, key: str) -> int:
        """Return how many of them are a key's."""
        flow = self._flows.get(key)
        return flow.tokens if flow else 0

    def tokens_beyond(self, most: int) -> int:
        """Return how many tokens the keys have waiting beyond `most` each."""
        return sum(max(0, flow.tokens - most) for flow in self._flows.values())

    def add(self, job: Job) -> None:
        """Let all rows of a job wait."""
        if not self._flows:
            self._begin()
        flow = self._flows.setdefault(job.key, _Flow(self._time))
        for shape, positions in self._sort(job.sequences).items():
            flow.rows.setdefault(shape, OrderedDict())[job] = positions
            if shape not in flow.listed:
                flow.listed.add(shape)
                heappush(self._heaps[shape], ((flow.tag, job.number), flow))
        self._count(job.key, sum(map(len, job.sequences)))

    def withdraw(self, job: Job) -> None:
        """Forget the rows of a job that still wait, if any do."""
        flow = self._flows.get(job.key)
        if flow is None:
            return
        gone = [position for rows in flow.rows.values() for position in rows.pop(job, ())]
        self._count(job.key, -sum(len(job.sequences[position]) for position in gone))

    def form(self) -> Formed | None:
        """Take the rows of the next batch; none only where none wait."""
        index = self._lead()
        if index is None:
            return None
        shape, keys = self._shapes.shapes[index], len(self._flows)
        parts: dict[Job, list[int]] = {}
        rows = tokens = padded = 0
        while (flow := self._first(index)) is not None:
            job, position = _peek(flow.rows[index])
            length = len(job.sequences[position])
            cost = shape.cost(length)
            if not shape.has_room(rows, padded, cost):
                break
            self._take(flow, index, cost)
            self._count(job.key, -length)
            parts.setdefault(job, []).append(position)
            rows, tokens, padded = rows + 1, tokens + length, padded + cost
        self._pace = padded / keys
        return Formed(self._lane, shape, parts, tokens, padded)

    def _begin(self) -> None:
        self._time = 0.0
        self._pace = 0.0
        self._batch_largest = self._shapes.tokens_max

    def _lead(self) -> int | None:
        """Return the shape of the next batch, and move the lane's time on by the one before."""
        fronts = [
            (heap[0][0], index)
            for index, heap in enumerate(self._heaps)
            if self._first(index) is not None
        ]
        if not fronts:
            return None
        self._time += self._pace
        return min(fronts)[1]

    def _first(self, shape: int) -> _Flow | None:
        """Return who is next among the keys that have rows of a shape."""
        heap = self._heaps[shape]
        while heap:
            place, flow = heap[0]
            actual = flow.place(shape)
            if actual == place:
                return flow
            if actual is None:
                heappop(heap)
                flow.listed.discard(shape)
            else:
                heapreplace(heap, (actual, flow))
        return None

    def _take(self, flow: _Flow, shape: int, cost: int) -> None:
        rows = flow.rows[shape]
        job = next(iter(rows))
        rows[job].pop()
        if not rows[job]:
            del rows[job]
        self._charge(flow, cost)

    def _charge(self, flow: _Flow, cost: int) -> None:
        self._batch_largest = max(self._batch_largest, cost)
        least, most = self._time - self._batch_largest, self._time + self._batch_largest
        # Never less than before: the heaps rely on it.
        flow.tag = max(flow.tag, min(max(flow.tag, least), most) + cost)

    def _sort(self, sequences: tuple[list[int], ...]) -> dict[int, list[int]]:
        """Return the positions by shape, in each the shortest row last."""
        if len(sequences) == 1:
            return {self._shapes.find(len(sequences[0])): [0]}
        sorted_: dict[int, list[int]] = {}
        for position in sorted(range(len(sequences)), key=lambda at: -len(sequences[at])):
            sorted_.setdefault(self._shapes.find(len(sequences[position])), []).append(position)
        return sorted_

    def _count(self, key: str, tokens: int) -> None:
        """Count tokens in or out; a key of which nothing waits is forgotten."""
        self._flows[key].tokens += tokens
        self._tokens += tokens
        if not self._flows[key].tokens:
            del self._flows[key]


def _peek(rows: _Rows) -> tuple[Job, int]:
    job, positions = next(iter(rows.items()))
    return job, positions[-1]
