"""`tessera processes`: who answers checks, and how current each is."""

from typing import Final

import typer

from cli.admin.command import Admin, command
from cli.admin.document import to_document
from cli.admin.rows import Column
from cli.admin.times import show_minute, show_second
from proto.tessera.admin.v1.processes_pb2 import (
    ListProcessesRequest,
    ListProcessesResponse,
    Process,
)

_ALL: Final = 2**63 - 1

app = typer.Typer(help="What answers checks.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def processes() -> None:
    """The processes that answer checks."""


@command(app, "list", "tessera processes list")
def list_processes(admin: Admin) -> None:
    """List the processes that may still answer, and the last change that each has applied."""
    response = admin.client.call(ListProcessesRequest(), ListProcessesResponse)
    if admin.screen.as_json:
        admin.screen.write_json(to_document(response))
        return
    admin.screen.show_rows(response.processes, COLUMNS)
    admin.screen.note(f"The last change is number {response.change_number}; times are in UTC.")


def show_change(process: Process) -> str:
    """Return the last change that a process has applied.

    One that has no directory to answer from refuses every check, and says that it has applied all.
    """
    return "refuses all" if process.change_number == _ALL else str(process.change_number)


COLUMNS: Final[tuple[Column[Process], ...]] = (
    Column("process", lambda process: process.name),
    Column("change", show_change, 16),
    Column("state", lambda process: "silent" if process.silent else "alive", 6),
    Column("last heard of", lambda process: show_second(process.seen_time), 19),
    Column("fenced at", lambda process: show_second(process.fence_time), 19),
    Column("started", lambda process: show_minute(process.start_time), 16),
)
"""A process that is not heard of again certainly refuses everything once it is fenced."""
