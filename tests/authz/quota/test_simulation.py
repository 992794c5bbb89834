"""Eight processes, one account, and all that goes wrong: promises kept at every step."""

from typing import Final

import pytest

from tests.authz.quota.simulation import mutants
from tests.authz.quota.simulation.engine import Engine
from tests.authz.quota.simulation.seeds import find_broken
from tests.authz.quota.simulation.truth import BrokenPromiseError
from tests.authz.quota.simulation.world import World

SEEDS: Final = 300
"""Thousands before a release; each is a run of its own, and names itself where it fails."""


def test_no_seed_breaks_a_promise() -> None:
    """Nothing beyond the limit, nothing lost beyond the leases, books that add up, and recovery.

    One seed again: `python -m tests.authz.quota.simulation --seed N`.
    """
    assert find_broken(range(SEEDS)) == []


@pytest.mark.parametrize(
    ("engine", "seeds"),
    [
        (Engine(answer=mutants.refill_what_is_leased, checks_ledger=False), range(50, SEEDS)),
        (Engine(answer=mutants.grant_anew_on_expiry), range(SEEDS)),
    ],
    ids=["full-burst", "granted-anew"],
)
def test_wrong_leases_are_caught(engine: Engine, seeds: range) -> None:
    """The simulation would notice: each mistake lets some seed admit too much."""
    with pytest.raises(BrokenPromiseError, match="too many"):
        _run_all(engine, seeds)


def test_a_seed_is_the_same_again() -> None:
    """Or a failure could not be looked at."""
    assert World(7, Engine()).run() == World(7, Engine()).run()


def _run_all(engine: Engine, seeds: range) -> None:
    for seed in seeds:
        World(seed, engine).run()
