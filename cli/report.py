"""What the command shows of a stack."""

import json
import time
from typing import Final

from rich.console import Console
from rich.table import Table

from contract.models import ModelCard
from stack.launch import RunningStack
from stack.status import StackStatus, UnitState, UnitStatus

_POLL_SECONDS: Final = 0.2
_FULFILLED: Final = frozenset({UnitState.READY, UnitState.DONE})
_CONSOLE: Final = Console(highlight=False)


def show_progress(stack: RunningStack) -> float:
    """Wait until the stack is ready, a line for each thing done; return the seconds it took."""
    started = time.monotonic()
    shown: set[str] = set()
    with _CONSOLE.status("starting") as spinner:

        def follow(status: StackStatus) -> None:
            for unit in status.units:
                if unit.state in _FULFILLED and unit.name not in shown:
                    shown.add(unit.name)
                    _CONSOLE.print(f"  [green]ok[/]  {unit.name:<10} {unit.seconds or 0:5.1f} s")
            busy = [unit.name for unit in status.units if unit.state is UnitState.STARTING]
            spinner.update(f"starting {', '.join(busy)}" if busy else "starting")

        stack.wait_until_ready(follow)
    return time.monotonic() - started


def show_banner(stack: RunningStack, seconds: float, stop: str) -> None:
    """Print how to call the stack, and how to stop it."""
    card = ModelCard.read(stack.layout.card)
    name = next(iter(card.aliases), card.id)
    body = json.dumps({"model": name, "input": "Hello, world"})
    _CONSOLE.print(f"\n[bold]Tessera is ready[/] after {seconds:.1f} s.\n")
    # Printed as it is: a line that the terminal folds can still be copied whole.
    _print_plain(f"  base URL   {stack.base_url}")
    _print_plain(f"  API key    {stack.key}")
    _print_plain(f"  exports    . {stack.layout.env}")
    _print_plain(f"  logs       {stack.layout.logs}")
    _print_plain(f"  stop       {stop}\n")
    _print_plain(f"curl {stack.base_url}/embeddings \\")
    _print_plain(f"  -H 'Authorization: Bearer {stack.key}' \\")
    _print_plain("  -H 'Content-Type: application/json' \\")
    _print_plain(f"  -d '{body}'\n")
    if name != card.id:
        _print_plain(f"On this machine {name} is an alias for {card.id}.")


def show_restarts(stack: RunningStack) -> int:
    """Tell of every process that ends, until the stack does; return the supervisor's exit code."""
    told: dict[str, int] = {unit.name: unit.restarts for unit in stack.status().units}
    while (code := stack.supervisor.poll()) is None:
        for unit in stack.status().units:
            if unit.restarts > told.get(unit.name, 0):
                told[unit.name] = unit.restarts
                _print_plain(f"{unit.name} {unit.message}; starting it again ({unit.log})")
        time.sleep(_POLL_SECONDS)
    return code


def show_stopping() -> None:
    """Say that the stop takes a moment."""
    _print_plain("stopping ...")


def show_status(status: StackStatus) -> None:
    """Print a table of what runs."""
    _CONSOLE.print(f"[bold]{status.state.value}[/]  {status.base_url}")
    if status.message:
        _print_plain(status.message)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("name", "state", "pid", "restarts", "log"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "log")
    for unit in status.units:
        table.add_row(*_row(unit))
    _CONSOLE.print(table)


def _row(unit: UnitStatus) -> tuple[str, ...]:
    pid = "" if unit.pid is None else str(unit.pid)
    return (unit.name, unit.state.value, pid, str(unit.restarts), unit.log)


def _print_plain(text: str) -> None:
    _CONSOLE.print(text, markup=False, soft_wrap=True)
