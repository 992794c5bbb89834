"""Runs many seeds, on every core."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from authz.domain.quota.amounts import Amounts
from tests.authz.quota.simulation.engine import Engine
from tests.authz.quota.simulation.truth import BrokenPromiseError
from tests.authz.quota.simulation.world import Report, World

_CHUNK = 10
_SECONDS_MAX = 600


def find_broken(seeds: Iterable[int]) -> list[str]:
    """Return the seeds that break a promise, with what is broken."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit the tests' threads
    with ProcessPoolExecutor(mp_context=context) as pool:
        runs = pool.map(_run, seeds, chunksize=_CHUNK, timeout=_SECONDS_MAX)
        return [broken for broken in runs if broken is not None]


def _run(seed: int) -> str | None:
    try:
        report = World(seed, Engine()).run()
    except BrokenPromiseError as error:
        return f"seed {seed}: {error}"
    return None if _has_reached(report) else f"seed {seed}: {report}"


def _has_reached(report: Report) -> bool:
    """98 % of the full rate in one dimension, with what is leased and the one that fits no more."""
    reached = report.got + report.open_at_end + Amounts(1, report.cost_max)
    requests = reached.requests >= 0.98 * report.owed.requests
    return requests or reached.tokens >= 0.98 * report.owed.tokens
