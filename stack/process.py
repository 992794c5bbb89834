"""What the stack runs, as data: processes that go on, and steps that end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

Probe = Callable[[], Awaitable[bool]]
"""Asks a process something; raises nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program, its arguments, and what its environment holds besides the stack's own."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Process:
    """A program that runs as long as the stack, and is started again when it ends."""

    name: str
    command: Command
    ready: Probe
    """Tells, within a second or so, whether it can do its work."""
    answers: Probe
    """Tells whether it answers at all, and takes as long as it is let: who waits for ever hangs.

    A process that only says that it is not ready, for what it needs is away, has answered.
    """
    log: Path
    after: tuple[str, ...] = ()
    """Names of what must be ready, or done, before this is started."""
    stop_signal: Signals = Signals.SIGTERM
    stop_seconds: float = 3.0
    """From the stop signal to SIGKILL."""
    ready_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """A program that is run once at each start, and has to succeed."""

    name: str
    command: Command
    log: Path
    after: tuple[str, ...] = ()
    finish: Callable[[], None] | None = None
    """Called once it has succeeded."""
    timeout_seconds: float = 180.0
    stop_signal: Signals = Signals.SIGTERM
    stop_seconds: float = 2.0


Unit = Process | Step
