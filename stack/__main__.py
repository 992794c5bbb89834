"""The supervising process: `python -m stack RUN`, started by `stack.launch` alone."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from signal import Signals
from typing import Final

from stack import secrets, triton
from stack.errors import StackError
from stack.layout import SUPERVISOR, Layout, locate
from stack.log_writer import LogWriter
from stack.plan import plan
from stack.run import Run, read_run
from stack.status import StackState, StackStatus, UnitStatus, identify, write_status
from stack.supervisor import Supervisor

_LIFELINE: Final = 0
_STANDARD_ERROR: Final = 2


def main() -> int:
    """Run the stack until it is told to stop; the exit code is 0 unless it failed."""
    run = read_run(sys.argv[1])
    return asyncio.run(_supervise(run))


async def _supervise(run: Run) -> int:
    layout = locate(run.options.state)
    journal = _Journal(layout, run.base_url)
    stop = _listen_for_stop(run)
    try:
        secrets.make_pepper(layout)
        units = plan(layout, run.options)
        supervisor = Supervisor(units, journal.note_units, (run.lock,), run.options.patience)
    except (StackError, OSError) as error:
        journal.note(StackState.FAILED, str(error))
        return 1
    try:
        failure = await _run_until(stop, supervisor, lambda: _announce(layout, run, journal))
        journal.note(StackState.STOPPING if failure is None else StackState.FAILED, failure)
    finally:
        await supervisor.stop()
        _tidy(layout)
    if failure is None:
        journal.note(StackState.STOPPED)
    return 0 if failure is None else 1


async def _run_until(
    stop: asyncio.Event, supervisor: Supervisor, announce: Callable[[], None]
) -> str | None:
    """Start, announce, and wait for the stop; return what failed, if something did."""
    starting = asyncio.create_task(supervisor.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return None
        await starting
        announce()
        await stopping
    except (StackError, OSError) as error:
        return str(error)
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
    return None


def _tidy(layout: Layout) -> None:
    """Remove what lies outside the state folder."""
    triton.remove_shared_memory(layout.backends)
    if layout.run.parent != layout.state:
        shutil.rmtree(layout.run, ignore_errors=True)


def _announce(layout: Layout, run: Run, journal: "_Journal") -> None:
    secrets.write_exports(layout, run.base_url)
    journal.note(StackState.READY)


def _listen_for_stop(run: Run) -> asyncio.Event:
    """Return the event set by SIGTERM and, unless detached, by the end of who started us."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (Signals.SIGTERM, Signals.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def let_go() -> None:
        loop.remove_reader(_LIFELINE)
        stop.set()

    if not run.detached:
        loop.add_reader(_LIFELINE, let_go)
    return stop


class _Journal:
    """Keeps the status file, and a log of what did not go as it should."""

    def __init__(self, layout: Layout, base_url: str) -> None:
        self._layout = layout
        self._log = LogWriter(layout.log(SUPERVISOR), _STANDARD_ERROR)
        self._status = StackStatus(StackState.STARTING, base_url, identify(os.getpid()))

    def note(self, state: StackState, message: str | None = None) -> None:
        self._write(replace(self._status, state=state, message=message))

    def note_units(self, units: tuple[UnitStatus, ...]) -> None:
        known = {unit.name: unit.restarts for unit in self._status.units}
        for unit in units:
            if unit.restarts > known.get(unit.name, 0):
                self._tell("process.ended", name=unit.name, why=unit.message)
        self._write(replace(self._status, units=units))

    def _write(self, status: StackStatus) -> None:
        self._status = status
        try:
            write_status(self._layout, status)
        except OSError as error:  # a full disk must not end a stack that still serves
            self._tell("status.lost", why=str(error))

    def _tell(self, event: str, **facts: str | None) -> None:
        line = {"timestamp": datetime.now(UTC).isoformat(), "event": event, **facts}
        self._log.write(json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
