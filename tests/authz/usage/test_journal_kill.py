"""`kill -9` at any moment: each charge whose call returned is counted, and none twice."""

import random
import subprocess
import sys
import time
from pathlib import Path

from tests.authz.usage.making import ALICE, Kept

_KILLS = 20


def test_a_kill_loses_no_charge_and_doubles_none(tmp_path: Path) -> None:
    """Twenty times, on one and the same file, at moments drawn from a seed."""
    path, said, draw = tmp_path / "usage", 0, random.Random(5)  # noqa: S311 no secret
    for _ in range(_KILLS):
        said += _run_and_kill(path, draw.uniform(0.0, 0.02))
    kept = Kept(path)
    tally = kept.totals()[ALICE]
    # Of each process's last charge nobody knows whether its call returned.
    assert said <= tally.requests <= said + _KILLS
    assert tally.tokens == 10 * tally.requests
    assert tally.refunded_requests > 0
    assert kept.file.put_aside == 0
    kept.file.close()


def _run_and_kill(path: Path, seconds: float) -> int:
    """Let a writer write; return how many charges it said."""
    command = [sys.executable, "-m", "tests.authz.usage.writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        rest = writer.stdout.read()
    return (first + rest).count(b"\n")
