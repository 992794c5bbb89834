"""A run's results as Markdown: what is printed, and what docs/benchmarks.md holds."""

import platform
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.check import Costs
from bench.comparison import Comparison
from bench.exactness import PROCESSES as CHARGING
from bench.exactness import TIMES_OFFERED, Exactness
from bench.leases import ACCOUNTS, BATCH, CONNECTIONS, Measured, Sustained
from bench.leases import PROCESSES as LEASING
from bench.load import Result
from bench.revocation import PROCESSES, Revocations
from bench.serving import GPUS
from bench.serving import Cost as ServingCost
from bench.spread import Spread


def title() -> str:
    """Return how the report begins."""
    lines = [
        "# Benchmarks",
        "",
        "`make bench` measured all of this in one run; it prints the same tables anew.",
        "",
        f"Machine: {_machine()}.",
        "",
    ]
    return "\n".join(lines)


def show_comparisons(comparisons: Sequence[Comparison], seconds: float) -> str:
    """Return the section on what the gateway costs, and how the whole path compares."""
    rounds = len(comparisons[0].rounds)
    lines = [
        "## Against limits and peers",
        "",
        "Each pair was measured in turns. Every figure is the median of",
        f"{rounds} rounds of {seconds:.0f} s, with the least and the greatest in brackets.",
        "",
    ]
    for comparison in comparisons:
        lines += _section(comparison)
    return "\n".join(lines)


def show_checks(costs: Sequence[Costs]) -> str:
    """Return the section on what one check costs authz."""
    lines = [
        "## What a check costs",
        "",
        "CPU time of the server's own process for each call, and what the caller waited (p50), in",
        "microseconds: a servicer that reads nothing and answers nothing, and authz, which parses,",
        "finds the key, counts some 45 tokens, charges a lease, writes usage down and answers.",
        "",
        "| calls at once | empty: CPU | authz: CPU | ratio | empty: p50 | authz: p50 |",
        "|---|---|---|---|---|---|",
        *(each.row() for each in costs),
        "",
    ]
    return "\n".join(lines)


def show_exactness(measured: Sequence[Exactness], minutes: float) -> str:
    """Return the section on how exact limits are."""
    lines = [
        "## Limits",
        "",
        f"{CHARGING} authz processes in turn were offered {TIMES_OFFERED} times what each of these",
        f"accounts' limit allows, all at once, at random moments of {minutes:g} minutes.",
        "*Possible*: what one bucket that knows of every request at once lets through of that;",
        "*overflows*: moments, of all in the processes' own journals, at which more had been let",
        "through than it ever would have.",
        "",
        "| limit a minute | offered | possible | let through | share | overflows |",
        "|---|---|---|---|---|---|",
        *(each.row() for each in measured),
        "",
    ]
    return "\n".join(lines)


def show_directory(table: str) -> str:
    """Return the section on the directory of keys."""
    lines = [
        "## The directory of keys",
        "",
        "What one authz process knows of every key, in memory and on its own disk, followed from a",
        "real PostgreSQL on the same machine.",
        "",
        table,
        "",
    ]
    return "\n".join(lines)


def show_revocations(measured: Sequence[Revocations], checks_per_second: int) -> str:
    """Return the section on how soon a revoked key is dead everywhere."""
    lines = [
        "## From a revocation's commit until it is known everywhere",
        "",
        f"{PROCESSES} authz processes on this one machine, asked whether the key still works every",
        f"5 ms each, under {checks_per_second} counted and charged checks a second besides.",
        "Milliseconds from the commit, by PostgreSQL's stamp. *Refused*: until the last process's",
        "refusal came back. *Waited*: until `RevokeKey` with `wait` returned, by when every",
        "process has also written the change to its disk. *Too early*: waits after which a process",
        "still accepted the key.",
        "",
        "| announcement | keys | refused p50 | p99 | max | waited p50 | p99 | max | too early |",
        "|---|---|---|---|---|---|---|---|---|",
        *(each.row() for each in measured),
        "",
    ]
    return "\n".join(lines)


def show_leases(sustained: Sustained, measured: Sequence[Measured]) -> str:
    """Return the section on how many accounts one PostgreSQL carries."""
    lines = [
        "## What leases ask of PostgreSQL",
        "",
        f"This machine's PostgreSQL, with fsync and {CONNECTIONS} connections, beside its client,",
        f"answers **{sustained.single:,.0f}** asks a second, each in a statement of its own, and",
        f"**{sustained.batched:,.0f}** of {BATCH} to a statement.",
        "",
        f"{ACCOUNTS:,} active accounts over {LEASING} processes, simulated: the holders' own code,",
        "by a clock of its own, against the real server. *Carried*: how many such accounts keep",
        "the server busy all the time.",
        "",
        "| an account is on | requests/s each | requests/s | asks/s | statements/s | carried |",
        "|---|---|---|---|---|---|",
        *(_lease_row(each, sustained) for each in measured),
        "",
    ]
    return "\n".join(lines)


def show_serving(measured: Sequence[ServingCost]) -> str:
    """Return the section on what a request costs beside the model."""
    gpus = ", ".join(f"{name} {rate / 1e12:.0f} TFLOP/s" for name, rate in GPUS.items())
    columns = " | ".join(f"{name}: GPU ms | CPU's share" for name in GPUS)
    lines = [
        "## What a request costs besides the model",
        "",
        "CPU time of the adapter and of Triton's own process, in milliseconds, with 8 requests at",
        "once: HTTP, tokens, batches, and vectors of 4096 numbers in base64. The model behind them",
        "is as wide as Qwen3-Embedding-8B but does next to nothing, in a process that is not",
        "counted. *GPU*: what Qwen3-Embedding-8B's operations take at the least, by a data sheet",
        f"({gpus} in bf16). CPU and GPU work at the same",
        "time: below 100 % one core keeps the GPU busy.",
        "",
        f"| texts of tokens | adapter: CPU ms | Triton: CPU ms | {columns} |",
        f"|---|---|---{'|---|---' * len(GPUS)}|",
        *(each.row() for each in measured),
        "",
    ]
    return "\n".join(lines)


def _lease_row(measured: Measured, sustained: Sustained) -> str:
    mix, carried = measured.mix, measured.accounts_carried(sustained)
    rates = (measured.requests, measured.asks, measured.statements, carried)
    figures = " | ".join(f"{each:,.0f}" for each in rates)
    return f"| {mix.spread} process(es) | {mix.per_second:g} | {figures} |"


def _section(comparison: Comparison) -> list[str]:
    base = [base for base, _ in comparison.rounds]
    ours = [ours for _, ours in comparison.rounds]
    return [
        f"### {comparison.title}, {comparison.connections} connection(s)",
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
