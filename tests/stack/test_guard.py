"""The guard: nothing outlives whoever asked for it."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from stack.process import Command
from stack.spawn import spawn
from tests.stack.programs import FAMILY, SLEEP, STUBBORN, lives, python
from tests.waiting import wait_until


def test_program_ends_with_the_stop_signal(tmp_path: Path) -> None:
    """A program that ends in time is not killed: its own exit code comes back."""
    source = textwrap.dedent("""
        import signal, sys, time
        signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
        print("on", flush=True)
        time.sleep(600)
    """)
    log = tmp_path / "log"
    spawned = spawn(python(source), log, stop_signal=signal.SIGINT)
    wait_until(lambda: "on" in log.read_text())
    spawned.stop()
    assert spawned.wait(timeout_seconds=10) == 7


def test_program_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    """The deadline holds for a program that hangs."""
    log = tmp_path / "log"
    spawned = spawn(python(STUBBORN), log, stop_seconds=0.1)
    wait_until(lambda: "deaf" in log.read_text())
    spawned.stop()
    assert spawned.wait(timeout_seconds=10) == 128 + signal.SIGKILL
    assert not lives(spawned.pid)


def test_orphaned_descendants_are_killed(tmp_path: Path) -> None:
    """Neither a session of its own nor a dead parent saves a descendant."""
    log = tmp_path / "log"
    spawned = spawn(python(FAMILY), log, stop_seconds=0.1)
    wait_until(lambda: log.read_text().endswith("\n"))
    orphan = int(log.read_text())
    assert lives(orphan)
    spawned.stop()
    spawned.wait(timeout_seconds=10)
    assert not lives(orphan)


def test_descendants_of_a_program_that_was_killed_are_killed(tmp_path: Path) -> None:
    """What a crashed program leaves behind would be in the way of its successor."""
    log = tmp_path / "log"
    spawned = spawn(python(FAMILY), log)
    wait_until(lambda: log.read_text().endswith("\n"))
    orphan = int(log.read_text())
    os.kill(spawned.pid, signal.SIGKILL)
    assert spawned.wait(timeout_seconds=10) == 128 + signal.SIGKILL
    assert not lives(orphan)


def test_program_dies_with_its_guard(tmp_path: Path) -> None:
    """Not even `kill -9` of the guard itself leaves the program behind."""
    spawned = spawn(python(SLEEP), tmp_path / "log")
    spawned.guard.kill()
    spawned.wait(timeout_seconds=10)
    wait_until(lambda: not lives(spawned.pid))


def test_program_dies_with_whoever_asked_for_it(tmp_path: Path) -> None:
    """A `kill -9` of the supervisor stops what it runs."""
    source = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from stack.process import Command
        from stack.spawn import spawn
        command = Command((sys.executable, "-I", "-S", "-c", {FAMILY!r}))
        print(spawn(command, Path({str(tmp_path / "log")!r}), stop_seconds=0.1).pid, flush=True)
        time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        log = tmp_path / "log"
        wait_until(lambda: log.read_text().endswith("\n"))
        supervisor.kill()
    orphan = int(log.read_text())
    wait_until(lambda: not lives(pid) and not lives(orphan))


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    """The log says what could not be started, and why."""
    log = tmp_path / "log"
    spawned = spawn(Command(("/nonexistent/program",)), log)
    assert spawned.wait(timeout_seconds=10) == 127
    assert "cannot start /nonexistent/program: No such file" in log.read_text()


def test_the_callers_environment_stays_out(tmp_path: Path) -> None:
    """A proxy or a setting in the caller's shell does not change what runs."""
    os.environ["TESSERA_STRAY"] = "1"
    try:
        spawned = spawn(python("import os; print(sorted(os.environ))"), tmp_path / "log")
        spawned.wait(timeout_seconds=10)
    finally:
        del os.environ["TESSERA_STRAY"]
    assert "TESSERA_STRAY" not in (tmp_path / "log").read_text()
