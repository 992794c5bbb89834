"""Start a stack, follow it, talk to it and stop it: what the command, tests and benchmarks use."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from signal import Signals
from typing import Final

from stack import lock, models, parts
from stack.errors import StackError
from stack.layout import SUPERVISOR, Layout, locate, prepare
from stack.log_writer import predecessor
from stack.options import Options
from stack.ports import claim_public_port
from stack.run import Run, write_run
from stack.status import (
    StackState,
    StackStatus,
    UnitStatus,
    read_status,
    supervisor_lives,
)

_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that was started from here."""

    layout: Layout
    base_url: str
    supervisor: subprocess.Popen[bytes]

    @property
    def key(self) -> str:
        """The demo account's key."""
        return self.layout.key.read_text().strip()

    def status(self) -> StackStatus:
        """Return what runs now; raises StackError where nothing can be read."""
        status = read_status(self.layout)
        if status is None:
            raise StackError(f"{self.layout.status} cannot be read")
        return status

    def unit(self, name: str) -> UnitStatus:
        """Return one process or step; raises KeyError for an unknown name."""
        return {unit.name: unit for unit in self.status().units}[name]

    def pid(self, name: str) -> int:
        """Return a living process's own pid, to inject faults into it."""
        pid = self.unit(name).pid
        if pid is None:
            raise StackError(f"{name} does not run")
        return pid

    def wait_until_ready(self, follow: Callable[[StackStatus], None] = lambda _: None) -> None:
        """Return when every process is ready; `follow` sees the status as it changes.

        Raises StackError, with the reason, when the stack ends instead.
        """
        while True:
            ended = self.supervisor.poll() is not None  # asked first: its last words come before
            status = read_status(self.layout)
            if status is not None:
                follow(status)
                if status.state is StackState.READY:
                    return
            if ended:
                raise StackError((status and status.message) or self._why_it_ended())
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop everything and return when no process is left."""
        if self.supervisor.poll() is None:
            self.supervisor.terminate()
        _wait_until_gone(self.layout, self.supervisor.pid)
        self.supervisor.wait(_STOP_SECONDS)
        if self.supervisor.stdin is not None:
            self.supervisor.stdin.close()

    def _why_it_ended(self) -> str:
        return f"The supervisor ended; its log is {self.layout.log(SUPERVISOR)}"


def launch(options: Options, *, detached: bool = False) -> RunningStack:
    """Begin to start a stack; raises StackError for what can be seen beforehand.

    Unless `detached`, the stack stops when this process ends, however it ends.
    """
    parts.check()
    layout = locate(options.state)
    prepare(layout)
    descriptor = lock.acquire(layout)
    try:
        settled = replace(
            options,
            state=layout.state,
            port=claim_public_port(options.port),
            model=options.model and models.find(options.model),
        )
        run = Run(settled, lock=descriptor, detached=detached)
        started = _start_supervisor(layout, run)
        return RunningStack(replace(layout, repository=settled.model), run.base_url, started)
    except OSError as error:
        raise StackError(f"The stack cannot be started: {error}") from error
    finally:
        os.close(descriptor)


@contextmanager
def running_stack(options: Options) -> Iterator[RunningStack]:
    """A stack that is ready, and gone with all its processes at the end."""
    stack = launch(options)
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()


def current_status(layout: Layout) -> StackStatus | None:
    """Return the truth about a state folder: None if no stack runs on it."""
    while lock.is_held(layout):
        status = read_status(layout)
        if status is None:  # it has only just been started
            time.sleep(_POLL_SECONDS)
        elif supervisor_lives(status):
            return status
        else:
            return replace(status, state=StackState.STOPPING, message="The supervisor was killed")
    return None


def stop_stack(layout: Layout) -> bool:
    """Stop the stack on a state folder, whoever started it; return whether there was one."""
    status = current_status(layout)
    if status is None:
        return False
    if supervisor_lives(status):
        os.kill(status.supervisor.pid, Signals.SIGTERM)
    _wait_until_gone(layout, status.supervisor.pid)
    return True


def _start_supervisor(layout: Layout, run: Run) -> subprocess.Popen[bytes]:
    _rotate_logs(layout)
    _remove_stale(layout)
    with layout.log(SUPERVISOR).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "stack", write_run(run)],
            stdin=subprocess.DEVNULL if run.detached else subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches it as an orderly stop, from here
            pass_fds=(run.lock,),
        )


def _rotate_logs(layout: Layout) -> None:
    """Keep the previous start's logs beside this one's, and no older ones."""
    for log in layout.logs.glob("*.log"):
        log.rename(predecessor(log))


def _remove_stale(layout: Layout) -> None:
    """Remove what an earlier stack said and its sockets; it is gone, for the lock is ours."""
    layout.status.unlink(missing_ok=True)
    for path in layout.run.iterdir():
        path.unlink()


def _wait_until_gone(layout: Layout, supervisor: int) -> None:
    """Wait for the last process to end. A supervisor that hangs is killed; its guards clean up."""
    if _gone_within(layout, _STOP_SECONDS):
        return
    with suppress(ProcessLookupError):
        os.kill(supervisor, Signals.SIGKILL)
    if not _gone_within(layout, _STOP_SECONDS):
        raise StackError(f"Processes of the stack on {layout.state} do not end")


def _gone_within(layout: Layout, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while lock.is_held(layout):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
