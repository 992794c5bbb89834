"""Runs one seed, or many from one on: `python -m tests.authz.quota.simulation --seed 7`."""

import argparse

from tests.authz.quota.simulation.engine import Engine
from tests.authz.quota.simulation.world import World

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=1)
    arguments = parser.parse_args()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        print(seed, World(seed, Engine()).run())  # noqa: T201
