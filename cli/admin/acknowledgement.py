"""Revokes a key and follows which processes refuse it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from rich.live import Live
from rich.text import Text

from cli.admin.command import Admin
from cli.admin.document import Document, to_document
from cli.admin.processes import show_change
from cli.admin.rows import Column
from cli.admin.screen import Screen
from cli.admin.times import show_second, to_duration
from cli.printable import printable
from cli.refusal import CommandError, Exit
from proto.tessera.admin.v1.keys_pb2 import Key, RevokeKeyRequest, RevokeKeyResponse
from proto.tessera.admin.v1.processes_pb2 import (
    ListProcessesRequest,
    ListProcessesResponse,
    Process,
)

_LOOK_SECONDS: Final = 0.5
"""How long the server waits between two looks at who has acknowledged."""
_ANSWER_SECONDS: Final = 10.0

Look = Callable[[Sequence[Process]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known at the end: who has applied the revocation, and who may not have."""

    key: Key
    number: int
    laggards: tuple[Process, ...]
    processes: tuple[Process, ...]

    def to_document(self) -> Document:
        """Return what programs are told."""
        return {
            "key": to_document(self.key),
            "change_number": self.number,
            "refused_everywhere": not self.laggards,
            "laggards": [to_document(each) for each in self.laggards],
            "processes": [to_document(each) for each in self.processes],
        }


def revoke_everywhere(
    admin: Admin,
    request: RevokeKeyRequest,
    timeout: timedelta,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Revoke first, then wait with the same request, sent again, until all know or time is up."""
    deadline = clock() + timeout.total_seconds()
    number = admin.client.call(request, RevokeKeyResponse).change_number
    try:
        with _watching(admin.screen, number) as look:
            return _wait(admin, request, number, lambda: deadline - clock(), look)
    except CommandError as error:
        reason = str(error)
    except KeyboardInterrupt:
        reason = "you did not wait for it"
    raise CommandError(
        f"The key is revoked, but who knows it could not be learnt: {reason}",
        Exit.NOT_KNOWN_EVERYWHERE,
    )


def report(screen: Screen, outcome: Outcome) -> None:
    """Tell who refuses the key. Raises `CommandError` where somebody is not known to."""
    if screen.as_json:
        screen.write_json(outcome.to_document())
    elif rows := _all_rows(outcome):  # not everyone may see those that know it
        screen.show_rows(rows, _columns({each.name for each in outcome.laggards}))
    if outcome.laggards:
        raise CommandError(_explain(outcome.laggards), Exit.NOT_KNOWN_EVERYWHERE)
    screen.note("The key is revoked, and every process refuses it.")


def _wait(
    admin: Admin,
    request: RevokeKeyRequest,
    number: int,
    left: Callable[[], float],
    look: Look,
) -> Outcome:
    request.wait = True
    while True:
        seconds = max(0.0, min(left(), _LOOK_SECONDS))
        request.timeout.CopyFrom(to_duration(timedelta(seconds=seconds)))
        response = admin.client.call(request, RevokeKeyResponse, seconds + _ANSWER_SECONDS)
        # Asked again, the server waits for later changes too, which do not matter here.
        laggards = tuple(each for each in response.laggards if each.change_number < number)
        processes = _list(admin)
        if not laggards or left() <= 0:
            return Outcome(response.key, number, laggards, processes)
        look(processes or laggards)


def _list(admin: Admin) -> tuple[Process, ...]:
    """Return the processes; none where whoever revokes may not see them."""
    try:
        return tuple(admin.client.call(ListProcessesRequest(), ListProcessesResponse).processes)
    except CommandError as error:
        if error.exit_code is Exit.NOT_PERMITTED:
            return ()
        raise


@contextmanager
def _watching(screen: Screen, number: int) -> Iterator[Look]:
    """Show who is waited for: in place on a terminal, else a line whenever that changes."""
    if screen.errors.is_terminal:
        with Live(console=screen.errors, transient=True) as live:
            yield lambda processes: live.update(_progress(processes, number))
        return
    said = ""

    def say(processes: Sequence[Process]) -> None:
        nonlocal said
        if (line := _waiting(processes, number)) != said:
            said = line
            screen.note(line)

    yield say


def _progress(processes: Sequence[Process], number: int) -> Text:
    rows = (
        f"  {'refuses it' if each.change_number >= number else 'waiting   '}  {each.name}"
        for each in processes
    )
    return Text("\n".join((_waiting(processes, number), *map(printable, rows))))


def _waiting(processes: Sequence[Process], number: int) -> str:
    late = [each.name for each in processes if each.change_number < number]
    known = f"{len(processes) - len(late)} of {len(processes)} processes refuse the key"
    return f"{known}; waiting for {', '.join(late)}" if late else known


def _all_rows(outcome: Outcome) -> list[Process]:
    rows = {each.name: each for each in (*outcome.processes, *outcome.laggards)}
    return [rows[name] for name in sorted(rows)]


def _columns(late: set[str]) -> tuple[Column[Process], ...]:
    return (
        Column("process", lambda process: process.name),
        Column("last change", show_change, 16),
        Column("the key", lambda process: _state(process, late), 50),
    )


def _state(process: Process, late: set[str]) -> str:
    if process.name not in late:
        return "refused"
    return f"not known; certainly from {show_second(process.fence_time)} UTC"


def _explain(laggards: Sequence[Process]) -> str:
    named = ", ".join(
        f"{each.name} (certainly from {show_second(each.fence_time)} UTC)" for each in laggards
    )
    return (
        f"The key is revoked, but not known to be refused by {named}; wait until then,"
        " or stop that process: it is dead, frozen or cut off"
    )
