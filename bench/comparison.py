"""Two sides under the same load, in turns, so that both meet the same noise."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.load import Result, measure
from bench.spread import Spread
from bench.target import Target


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rounds of both sides; a round's results were measured one right after the other."""

    title: str
    connections: int
    base: Target
    ours: Target
    rounds: tuple[tuple[Result, Result], ...]

    @property
    def ratio(self) -> Spread:
        """Our requests a second over the base's, round by round."""
        return Spread.of(
            [ours.requests_per_second / base.requests_per_second for base, ours in self.rounds]
        )

    @property
    def added_p50_ms(self) -> Spread:
        """The median latency that ours adds, round by round."""
        return Spread.of([ours.p50_ms - base.p50_ms for base, ours in self.rounds])

    @property
    def failures(self) -> int:
        """Answers that were not 200, on either side: any makes the comparison void."""
        return sum(base.failures + ours.failures for base, ours in self.rounds)


def compare(
    title: str,
    base: Target,
    ours: Target,
    *,
    connections: int,
    seconds: float,
    rounds: int,
    say: Callable[[str], None],
) -> Comparison:
    """Load both sides in turns."""
    results: list[tuple[Result, Result]] = []
    for number in range(1, rounds + 1):
        say(f"{title}, {connections} connections, round {number} of {rounds}")
        first = measure(base, connections=connections, seconds=seconds)
        second = measure(ours, connections=connections, seconds=seconds)
        results.append((first, second))
    return Comparison(title, connections, base, ours, tuple(results))
