"""What a stack says of itself: a JSON file that the supervisor replaces at every change."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from stack.layout import Layout


class StackState(StrEnum):
    """Of the whole."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class UnitState(StrEnum):
    """Of one process or step."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    RESTARTING = "restarting"
    CRASH_LOOP = "crash loop"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One process or step."""

    name: str
    state: UnitState
    log: str
    pid: int | None = None
    restarts: int = 0
    seconds: float | None = None
    """From its own start until it was ready, or done."""
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    started: int
    """Clock ticks since the machine's start, which no change of the clock moves."""


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The whole stack."""

    state: StackState
    base_url: str
    supervisor: Owner
    units: tuple[UnitStatus, ...] = ()
    message: str | None = None
    """Why it failed."""


_STATUS = TypeAdapter(StackStatus)


def write_status(layout: Layout, status: StackStatus) -> None:
    """Replace the file, so that a reader sees the old or the new, whole."""
    unfinished = layout.status.with_suffix(".new")
    unfinished.write_bytes(_STATUS.dump_json(status, indent=2))
    unfinished.rename(layout.status)


def read_status(layout: Layout) -> StackStatus | None:
    """Return what was last written, or None where there is nothing that can be read."""
    try:
        return _STATUS.validate_json(layout.status.read_bytes())
    except (OSError, ValidationError):
        return None


def status_to_json(status: StackStatus) -> str:
    """Return the form that `tessera status --json` prints."""
    return _STATUS.dump_json(status, indent=2).decode()


def identify(pid: int) -> Owner:
    """Return the identity of a living process; raises ProcessLookupError where there is none."""
    started = _start_ticks(pid)
    if started is None:
        raise ProcessLookupError(pid)
    return Owner(pid=pid, started=started)


def supervisor_lives(status: StackStatus) -> bool:
    """Tell whether the supervisor that wrote this still runs."""
    return _start_ticks(status.supervisor.pid) == status.supervisor.started


def _start_ticks(pid: int) -> int | None:
    """Return when a process started, or None if there is none; one that has ended is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name is in brackets and may hold anything, brackets included.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])
