"""The supervisor: order of need, restarts, and the stop."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.process import Step
from stack.status import UnitState
from tests.stack.programs import FAMILY, SLEEP, STUBBORN, lives, process, python
from tests.stack.watched import Watched
from tests.waiting import wait_until


async def test_what_is_needed_starts_first_and_stops_last(tmp_path: Path) -> None:
    """A process never runs without what it needs."""
    watched = Watched(
        process("edge", tmp_path, SLEEP, "service"),
        process("service", tmp_path, SLEEP, "database"),
        process("database", tmp_path),
    )
    await watched.supervisor.start()
    await watched.supervisor.stop()
    assert watched.order(UnitState.STARTING) == ["database", "service", "edge"]
    assert watched.order(UnitState.STOPPED) == ["edge", "service", "database"]


async def test_a_step_is_done_before_what_needs_it_starts(tmp_path: Path) -> None:
    """A migration has ended before the service that relies on it begins."""
    finished: list[str] = []
    step = Step("schema", python(""), tmp_path / "log", finish=lambda: finished.append("schema"))
    watched = Watched(step, process("service", tmp_path, SLEEP, "schema"))
    await watched.supervisor.start()
    await watched.supervisor.stop()
    assert finished == ["schema"]
    assert watched.order(UnitState.DONE) == ["schema"]
    assert watched.unit("schema").state is UnitState.DONE


async def test_a_step_that_fails_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    """The sentence says what failed, where its log is and how that ends."""
    step = Step("schema", python("import sys; sys.exit('no such table')"), tmp_path / "s.log")
    watched = Watched(step)
    with pytest.raises(
        StackError, match=r"schema failed with exit code 1.*s\.log\n  no such table"
    ):
        await watched.supervisor.start()
    await watched.supervisor.stop()


async def test_a_process_that_ends_early_fails_the_start(tmp_path: Path) -> None:
    """A bad setting is reported at once, not after the time for readiness."""
    unready = replace(process("triton", tmp_path, "print('bad flag')"), ready=_never)
    watched = Watched(unready)
    with pytest.raises(StackError, match=r"triton ended with exit code 0 before it was ready"):
        await watched.supervisor.start()
    await watched.supervisor.stop()


async def test_a_process_that_is_never_ready_fails_the_start(tmp_path: Path) -> None:
    """Waiting has an end, and what had been started is stopped."""
    unready = replace(process("triton", tmp_path), ready=_never, ready_seconds=0.2)
    watched = Watched(process("database", tmp_path), unready)
    with pytest.raises(StackError, match=r"triton was not ready within"):
        await watched.supervisor.start()
    pids = [unit.pid for units in watched.history for unit in units if unit.pid is not None]
    await watched.supervisor.stop()
    assert pids
    assert not any(lives(pid) for pid in pids)


async def test_a_dead_process_is_started_again(tmp_path: Path) -> None:
    """A crash is repaired without anybody's help, and counted."""
    watched = Watched(process("authz", tmp_path))
    await watched.supervisor.start()
    first = watched.unit("authz").pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await watched.until(lambda: watched.unit("authz").restarts == 1)
    await watched.until(lambda: watched.unit("authz").state is UnitState.READY)
    second = watched.unit("authz").pid
    await watched.supervisor.stop()
    assert second not in (None, first)
    assert "exit code 137" in (watched.unit("authz").message or "")


async def test_a_crash_loop_is_called_one(tmp_path: Path) -> None:
    """A process that ends again and again is not reported as merely restarting."""
    marker = tmp_path / "broken"
    source = f"import os, time; time.sleep(0 if os.path.exists({str(marker)!r}) else 600)"
    watched = Watched(process("authz", tmp_path, source))
    await watched.supervisor.start()
    marker.touch()
    os.kill(watched.unit("authz").pid or 0, signal.SIGKILL)
    await watched.until(lambda: watched.unit("authz").state is UnitState.CRASH_LOOP)
    await watched.supervisor.stop()
    assert "times in a row; its log is" in (watched.unit("authz").message or "")


async def test_the_stop_interrupts_a_start(tmp_path: Path) -> None:
    """Ctrl-C works at any moment: a long step is stopped too."""
    watched = Watched(Step("build", python(SLEEP), tmp_path / "log"))
    starting = asyncio.create_task(watched.supervisor.start())
    await watched.until(lambda: bool(watched.history))
    pid = watched.unit("build").pid
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await watched.supervisor.stop()
    assert pid is not None
    assert not lives(pid)


async def test_a_process_that_hangs_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    """SIGKILL follows at the deadline, to the process and to what it started."""
    watched = Watched(process("deaf", tmp_path, STUBBORN), process("family", tmp_path, FAMILY))
    await watched.supervisor.start()
    log = tmp_path / "family.log"
    await asyncio.to_thread(wait_until, lambda: log.read_text().endswith("\n"))
    orphan = int(log.read_text())
    await watched.supervisor.stop()
    assert not lives(orphan)


async def _never() -> bool:
    return False
