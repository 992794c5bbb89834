"""A run's results as Markdown: what is printed, and what docs/benchmarks.md holds."""

import platform
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.comparison import Comparison
from bench.load import Result
from bench.spread import Spread


def render(comparisons: Sequence[Comparison], seconds: float) -> str:
    """Return the whole report."""
    rounds = len(comparisons[0].rounds)
    lines = [
        "# Benchmarks",
        "",
        "`make bench` measured all of this in one run, each pair in turns; it prints the same",
        f"tables anew. Every figure is the median of {rounds} rounds of {seconds:.0f} s, with the",
        "least and the greatest in brackets.",
        "",
        f"Machine: {_machine()}.",
        "",
    ]
    for comparison in comparisons:
        lines += _section(comparison)
    return "\n".join(lines)


def _section(comparison: Comparison) -> list[str]:
    base = [base for base, _ in comparison.rounds]
    ours = [ours for _, ours in comparison.rounds]
    return [
        f"## {comparison.title}, {comparison.connections} connection(s)",
        "",
        "| side | requests/s | p50 ms | p99 ms |",
        "|---|---|---|---|",
        _row(comparison.base.name, base),
        _row(comparison.ours.name, ours),
        "",
        f"- requests/s as a ratio: **{comparison.ratio.show(3)}**",
        f"- added p50: **{comparison.added_p50_ms.show(3)} ms**",
        f"- answers other than 200: {comparison.failures}",
        "",
    ]


def _row(name: str, results: Sequence[Result]) -> str:
    rate = Spread.of([result.requests_per_second for result in results]).show(0)
    p50 = Spread.of([result.p50_ms for result in results]).show(2)
    p99 = Spread.of([result.p99_ms for result in results]).show(2)
    return f"| {name} | {rate} | {p50} | {p99} |"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores of {model}, {memory:.0f} GiB of memory, no GPU"
