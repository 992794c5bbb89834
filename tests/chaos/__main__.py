"""Kill authz processes under load, and compare what was billed with what was served.

python -m tests.chaos [--kills 50] [--seed 1]
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from stack.launch import RunningStack, running_stack
from stack.options import Options
from tests.chaos.counting import Customer, settle
from tests.chaos.killing import kill_again_and_again
from tests.customers import open_account

_NAMES = ("authz-1", "authz-2")
_TOLD_SECONDS = 60.0


def main() -> int:
    """Run the drill on a stack of its own; the exit status says whether usage was exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parsed = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tessera-chaos-") as folder,
        running_stack(Options(state=Path(folder, "state"), port=0, authz=len(_NAMES))) as stack,
    ):
        key = open_account(stack, tier="dedicated")
        return asyncio.run(_drill(stack, Customer(stack, key), parsed.kills, parsed.seed))


async def _drill(stack: RunningStack, customer: Customer, kills: int, seed: int) -> int:
    await kill_again_and_again(stack, customer, _NAMES, kills, seed, _tell)
    said = await settle(stack, customer.key, customer.seen, _TOLD_SECONDS)
    _tell(f"{kills} kills, seed {seed}; not served: {customer.refusals}")
    _tell(f"served: {customer.seen}")
    _tell(f"used:   {said}")
    return 0 if said == customer.seen else 1


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
