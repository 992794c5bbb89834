"""Start units in order of need, keep processes running, and stop them in reverse."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from stack.errors import StackError
from stack.process import Process, Step, Unit
from stack.silence import Patience, end_of
from stack.spawn import Spawned, spawn
from stack.status import UnitState, UnitStatus

_PROBE_SECONDS: Final = 0.03
_STABLE_SECONDS: Final = 30.0
"""A process that ran this long did not fail for what made it fail before."""
_CRASH_LOOP: Final = 5
_DELAY_SECONDS_MAX: Final = 10.0
_LOG_LINES: Final = 12


@dataclass(slots=True)
class _Record:
    """What the supervisor knows of one unit."""

    unit: Unit
    state: UnitState = UnitState.WAITING
    spawned: Spawned | None = None
    restarts: int = 0
    seconds: float | None = None
    message: str | None = None
    fulfilled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is ready, or done, for the first time."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has been stopped, with all it started."""

    def status(self) -> UnitStatus:
        runs = self.spawned is not None and self.spawned.guard.poll() is None
        return UnitStatus(
            name=self.unit.name,
            state=self.state,
            log=str(self.unit.log),
            pid=self.spawned.pid if self.spawned and runs else None,
            restarts=self.restarts,
            seconds=self.seconds,
            message=self.message,
        )


class Supervisor:
    """Runs units. `publish` is called with the status of all at every change."""

    def __init__(
        self,
        units: Iterable[Unit],
        publish: Callable[[tuple[UnitStatus, ...]], None],
        held_open: Iterable[int] = (),
        patience: Patience | None = None,
    ) -> None:
        self._records = {unit.name: _Record(unit) for unit in units}
        self._publish = publish
        self._held_open = tuple(held_open)
        self._patience = patience or Patience()
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Return when everything is ready; raise what failed first, as soon as it fails."""
        try:
            async with asyncio.TaskGroup() as group:
                for record in self._records.values():
                    group.create_task(self._bring_up(record))
        except ExceptionGroup as failures:  # not `except*`: Debian's 3.11.2 wraps what that raises
            raise failures.exceptions[0] from None

    async def stop(self) -> None:
        """Stop everything: what others need is stopped after them, what is independent together."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        async with asyncio.TaskGroup() as group:
            for record in self._records.values():
                group.create_task(self._take_down(record))

    async def _bring_up(self, record: _Record) -> None:
        for name in record.unit.after:
            await self._records[name].fulfilled.wait()
        started = time.monotonic()
        match record.unit:
            case Step() as step:
                await self._run_step(record, step)
                reached = UnitState.DONE
            case Process() as process:
                spawned = await self._start_process(record, process)
                self._keepers.append(asyncio.create_task(self._keep(record, process, spawned)))
                reached = UnitState.READY
        record.seconds = round(time.monotonic() - started, 3)
        self._note(record, reached)
        record.fulfilled.set()

    async def _run_step(self, record: _Record, step: Step) -> None:
        spawned = self._spawn(record)
        try:
            async with asyncio.timeout(step.timeout_seconds):
                code = await spawned.ended()
        except TimeoutError:
            self._fail(record, f"did not end within {step.timeout_seconds:.0f} s")
        if code != 0:
            self._fail(record, f"failed with exit code {code}")
        if step.finish is not None:
            step.finish()

    async def _start_process(self, record: _Record, process: Process) -> Spawned:
        spawned = self._spawn(record)
        if not await self._becomes_ready(process, spawned):
            self._fail(record, _why_not_ready(process, spawned))
        return spawned

    async def _keep(self, record: _Record, process: Process, spawned: Spawned) -> None:
        """Start the process again whenever it ends or hangs: at once, then after longer waits."""
        failures = 0
        while True:
            since = time.monotonic()
            reason = await end_of(process, spawned, self._patience)
            failures = 1 if time.monotonic() - since > _STABLE_SECONDS else failures + 1
            record.restarts += 1
            looping = failures >= _CRASH_LOOP
            record.message = reason
            if looping:
                record.message += f", {failures} times in a row; its log is {process.log}"
            self._note(record, UnitState.CRASH_LOOP if looping else UnitState.RESTARTING)
            spawned = await self._start_again(record, process, failures)

    async def _start_again(self, record: _Record, process: Process, failures: int) -> Spawned:
        """Start the process after its wait; return it whether or not it became ready."""
        while True:
            await asyncio.sleep(_delay_seconds(failures))
            try:
                spawned = self._spawn(record)
            except StackError as error:  # no memory or no descriptors left: that may pass
                record.message = str(error)
                failures += 1
                continue
            if await self._becomes_ready(process, spawned):
                self._note(record, UnitState.READY)
            else:
                spawned.stop()
            return spawned

    async def _becomes_ready(self, process: Process, spawned: Spawned) -> bool:
        """Tell whether the process became ready in time; it may have ended instead."""
        deadline = time.monotonic() + process.ready_seconds
        while spawned.guard.poll() is None and time.monotonic() < deadline:
            # A probe alone could be answered by something else that took the process's place.
            if await process.ready() and spawned.guard.poll() is None:
                return True
            await asyncio.sleep(_PROBE_SECONDS)
        return False

    async def _take_down(self, record: _Record) -> None:
        name = record.unit.name
        for other in self._records.values():
            if name in other.unit.after:
                await other.gone.wait()
        if record.spawned is not None and record.spawned.guard.poll() is None:
            record.spawned.stop()
            await record.spawned.ended()
        if isinstance(record.unit, Process) and record.state is not UnitState.FAILED:
            self._note(record, UnitState.STOPPED)
        record.gone.set()

    def _spawn(self, record: _Record) -> Spawned:
        unit = record.unit
        try:
            record.spawned = spawn(
                unit.command,
                unit.log,
                stop_signal=unit.stop_signal,
                stop_seconds=unit.stop_seconds,
                held_open=self._held_open,
            )
        except OSError as error:
            raise StackError(f"{unit.name} cannot be started: {error}") from error
        if record.state is not UnitState.CRASH_LOOP:
            self._note(record, UnitState.RESTARTING if record.restarts else UnitState.STARTING)
        return record.spawned

    def _fail(self, record: _Record, what: str) -> NoReturn:
        record.message = what
        self._note(record, UnitState.FAILED)
        log = record.unit.log
        raise StackError(f"{record.unit.name} {what}; its log is {log}{_tail(log)}")

    def _note(self, record: _Record, state: UnitState) -> None:
        record.state = state
        self._publish(tuple(record.status() for record in self._records.values()))


def _why_not_ready(process: Process, spawned: Spawned) -> str:
    code = spawned.guard.poll()
    if code is None:
        return f"was not ready within {process.ready_seconds:.0f} s"
    return f"ended with exit code {code} before it was ready"


def _delay_seconds(failures: int) -> float:
    """Return the wait before the next start, after so many failures in a row."""
    return 0.0 if failures == 1 else min(0.1 * 2.0**failures, _DELAY_SECONDS_MAX)


def _tail(log: Path) -> str:
    """Return the log's last lines, indented, each on a line of its own."""
    try:
        with log.open(errors="replace") as file:
            lines = deque(file, maxlen=_LOG_LINES)
    except OSError:
        return ""
    return "".join(f"\n  {line.rstrip()}" for line in lines)
