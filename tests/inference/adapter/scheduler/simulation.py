"""A GPU in simulated time: batches run one after the other, so many are with it at a time."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.scheduler.shapes import Shapes
from inference.serving import Bucket

BUCKETS: Final = tuple(
    Bucket(length, max(1, 2048 // length)) for length in (16, 32, 64, 128, 256, 512, 1024, 2048)
)
BATCH_SECONDS: Final = 0.040
"""A full batch of 2,048 tokens, as an 8B model takes on one GPU."""
_BATCH_SECONDS_MIN: Final = 0.004
"""Reading the weights once."""


@dataclass(frozen=True)
class Arrival:
    """A request with rows of these lengths."""

    at: float
    key: str
    lengths: tuple[int, ...]

    @property
    def lane(self) -> Lane:
        """Where the adapter would let it wait."""
        return Lane.SHORT if sum(self.lengths) <= 512 else Lane.BULK


@dataclass
class Gpu:
    """Serves what arrives; `seconds` is how long each request took, `lanes` who ran when."""

    batches_max: int = 2
    patience: int = 4
    seconds: dict[Arrival, float] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)
    busy: float = 0.0
    now: float = 0.0

    def __post_init__(self) -> None:
        """Begin idle."""
        self._scheduler = Scheduler(Shapes.plan(BUCKETS, 128, 2048), self.patience)
        self._flying: deque[tuple[float, Formed]] = deque()
        self._missing: dict[Job, int] = {}
        self._arrivals: dict[Job, Arrival] = {}
        self._numbers = count()

    def serve(self, arrivals: Iterable[Arrival]) -> None:
        """Let requests arrive, each at its time, and serve them all."""
        for arrival in sorted(arrivals, key=lambda each: each.at):
            self._run_until(arrival.at)
            rows = tuple([1] * length for length in arrival.lengths)
            job = Job(arrival.key, arrival.lane, rows, next(self._numbers))
            self._arrivals[job], self._missing[job] = arrival, len(rows)
            self._scheduler.add(job)
            self._fill()
        self._run_until(float("inf"))

    def slowest(self, key: str) -> float:
        """Return how long a key's slowest request took."""
        return max(taken for arrival, taken in self.seconds.items() if arrival.key == key)

    def _run_until(self, end: float) -> None:
        while self._flying and self._flying[0][0] <= end:
            self.now, formed = self._flying.popleft()
            for job, positions in formed.parts.items():
                self._missing[job] -= len(positions)
                if not self._missing[job]:
                    self.seconds[self._arrivals[job]] = self.now - self._arrivals[job].at
            self._fill()
        self.now = max(self.now, end) if end != float("inf") else self.now

    def _fill(self) -> None:
        while len(self._flying) < self.batches_max:
            formed = self._scheduler.form()
            if formed is None:
                return
            self.lanes.append(formed.lane)
            taken = max(_BATCH_SECONDS_MIN, formed.padded_tokens / 2048 * BATCH_SECONDS)
            begins = self._flying[-1][0] if self._flying else self.now
            self._flying.append((begins + taken, formed))
            self.busy += taken
