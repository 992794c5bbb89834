"""Start a program beneath a guard, so that it cannot outlive us."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Final

from stack.log_writer import BYTES_MAX
from stack.process import Command

_GUARD: Final = Path(__file__).with_name("guard.py")
_ENVIRONMENT: Final = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""All that programs see besides a TMPDIR and what is set for them: a proxy or a PYTHONPATH in the
caller's shell, or a setting meant for another stack, must not reach them."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A running program: `pid` is the program's own; its guard ends with its exit code."""

    pid: int
    guard: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ask for the end; the guard sees to it in the time it was given, and kills the rest."""
        self.guard.send_signal(Signals.SIGCONT)  # somebody may have stopped the guard too
        if self.guard.stdin is not None:
            self.guard.stdin.close()

    def wait(self, timeout_seconds: float) -> int:
        """Wait for the end and return the exit code; raises subprocess.TimeoutExpired."""
        return self.guard.wait(timeout_seconds)

    async def ended(self) -> int:
        """Wait for the end, without a thread, and return the exit code."""
        if self.guard.poll() is None:
            await _readable(os.pidfd_open(self.guard.pid))
        return self.guard.wait()


def spawn(
    command: Command,
    log: Path,
    *,
    stop_signal: Signals = Signals.SIGTERM,
    stop_seconds: float = 3.0,
    held_open: Iterable[int] = (),
    log_bytes_max: int = BYTES_MAX,
) -> Spawned:
    """Start `command`, its output appended to `log`, which is turned over when it is full.

    The guard, but not the program, keeps the descriptors `held_open`: a lock among them is freed
    only when the last process is gone.
    """
    bounds = (stop_signal.name, str(stop_seconds), str(log), str(log_bytes_max))
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *bounds, *command.argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**_ENVIRONMENT, "TMPDIR": tempfile.gettempdir(), **command.environment},
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
            pass_fds=tuple(held_open),
        )
    if process.stdout is None:
        raise AssertionError("stdout is a pipe")
    with process.stdout as reported:
        pid = int(reported.readline() or b"0")
    return Spawned(pid=pid, guard=process)


async def _readable(descriptor: int) -> None:
    """Wait until a descriptor can be read, and close it."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(descriptor, note)
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
