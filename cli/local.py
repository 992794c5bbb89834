"""A stack on this machine: what `tessera up`, `down` and `status` do.

It takes a while to import, which commands that ask a server need not wait for.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import typer

from cli import report
from stack.errors import StackError
from stack.launch import RunningStack, current_status, launch, stop_stack
from stack.layout import locate
from stack.options import Options
from stack.status import StackState, status_to_json

_NOT_RUNNING: Final = 3
"""What service managers' `status` commands return for something that does not run."""


def start(options: Options, *, detach: bool) -> None:
    """Start a stack and, unless it is detached, watch it to its end; raises StackError."""
    with _every_signal_as_interrupt():
        stack = launch(options, detached=detach)
        with _stopped_on_failure(stack):
            seconds = report.show_progress(stack)
        if detach:
            report.show_banner(stack, seconds, stop=f"tessera down --state {options.state}")
            return
        with _stopped_on_failure(stack):
            report.show_banner(stack, seconds, stop="Ctrl-C")
            _watch(stack)


def stop(state: Path) -> None:
    """Stop what runs on a state folder; raises StackError where it does not end."""
    stopped = stop_stack(locate(state))
    typer.echo("Stopped." if stopped else f"No stack runs on {state}.")


def show(state: Path, *, json: bool) -> int:
    """Print what runs on a state folder; return the exit code."""
    found = current_status(locate(state))
    if json:
        typer.echo('{"state": "stopped"}' if found is None else status_to_json(found))
    elif found is None:
        typer.echo(f"No stack runs on {state}.")
    else:
        report.show_status(found)
    if found is None:
        return _NOT_RUNNING
    return 0 if found.state is StackState.READY else 1


def _watch(stack: RunningStack) -> None:
    """Wait for the end of a stack that is ready."""
    if report.show_restarts(stack) != 0:
        raise StackError("The supervisor was killed")
    typer.echo("Stopped.")


@contextmanager
def _stopped_on_failure(stack: RunningStack) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        try:
            report.show_stopping()
        finally:  # the terminal, or what reads our output, may be gone
            stack.stop()
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit from None
        raise


@contextmanager
def _every_signal_as_interrupt() -> Iterator[None]:
    """Stop as orderly on a closed terminal, or on `kill`, as on Ctrl-C.

    SIGINT is among them because a shell makes what it starts in the background ignore it.
    """

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {each: signal.signal(each, interrupt) for each in signals}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
