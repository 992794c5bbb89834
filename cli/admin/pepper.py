"""`tessera pepper`: the secrets under which keys are stored."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.admin.command import Admin, command
from cli.admin.document import status_word, to_document
from cli.admin.pepper_file import add_pepper
from cli.admin.progress import progress
from cli.admin.rows import Column
from cli.admin.times import show_minute
from cli.examples import examples
from cli.refusal import CommandError, Exit, exit_codes, one_sentence_per_failure
from proto.tessera.admin.v1.peppers_pb2 import (
    GetPepperStatusRequest,
    GetPepperStatusResponse,
    Pepper,
    RetirePepperRequest,
    RetirePepperResponse,
    RotatePepperRequest,
    RotatePepperResponse,
)
from proto.tessera.admin.v1.processes_pb2 import Process

app = typer.Typer(
    help="The secrets under which keys are stored.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def pepper() -> None:
    """The secrets under which keys are stored; a database without them is worth nothing.

    To change one: `add` it to every server's file, `rotate`, and `retire` the old one when
    `status` shows that no key needs it.
    """


@app.command(
    epilog=examples("tessera pepper add --file .tessera/pepper")
    + "\n\n"
    + exit_codes(Exit.DONE, Exit.REFUSED, Exit.USAGE)
)
def add(
    file: Annotated[Path, typer.Option(metavar="FILE", help="The file that the servers read.")],
) -> None:
    """Append a fresh pepper to a pepper file, and say its id.

    The file stays readable by its owner alone. Bring it to every server before you rotate.
    """
    with one_sentence_per_failure():
        added = add_pepper(file, secrets.token_bytes)
    typer.echo(added)


@command(app, "status", "tessera pepper status")
def status(admin: Admin) -> None:
    """Show which peppers there are, how many keys need each, and which processes know them."""
    response = admin.client.call(GetPepperStatusRequest(), GetPepperStatusResponse)
    if admin.screen.as_json:
        admin.screen.write_json(to_document(response))
        return
    admin.screen.show_rows(response.peppers, _columns(response.processes))
    admin.screen.print("")
    admin.screen.show_rows(response.processes, _PROCESS_COLUMNS)


@command(app, "rotate", "tessera pepper rotate")
def rotate(admin: Admin) -> None:
    """Make the newest pepper of the file current, and wrap every key under it; keys stay in use.

    Refused until every process knows it. If it is interrupted, start it again: it goes on.
    """
    last = RotatePepperResponse()
    with progress(admin.screen.errors, "wrapping") as show:
        for last in admin.client.stream(RotatePepperRequest(), RotatePepperResponse):
            show(last.wrapped, last.total)
    if not last.done:
        raise CommandError("The server stopped before all keys were wrapped; start it again")
    if admin.screen.as_json:
        admin.screen.write_json(to_document(last))
        return
    admin.screen.print(f"Pepper {last.pepper_id} is current; {last.wrapped:,} keys were wrapped.")
    if not last.wrapped:
        admin.screen.note("To change it, add another to every server's file: `tessera pepper add`.")


@command(app, "retire", "tessera pepper retire 1f9a02c7")
def retire(
    admin: Admin,
    pepper_id: Annotated[
        str, typer.Argument(metavar="PEPPER", help="Its id, as `status` shows it.")
    ],
) -> None:
    """Declare a pepper needed no more; then its line can be removed from every server's file.

    Refused while a key that works needs it, or a process does not know the current one.
    """
    response = admin.client.call(RetirePepperRequest(id=pepper_id), RetirePepperResponse)
    admin.screen.show(to_document(response), part="pepper")


def _columns(processes: Sequence[Process]) -> tuple[Column[Pepper], ...]:
    def known_by(each: Pepper) -> str:
        count = sum(each.id in process.pepper_ids for process in processes)
        return f"{count} of {len(processes)}"

    return (
        Column("pepper", lambda each: each.id, 8),
        Column(
            "status",
            status_word,
            8,
        ),
        Column("keys that need it", lambda each: f"{each.keys:,}", 17),
        Column("processes that know it", known_by, 22),
        Column("since (UTC)", lambda each: show_minute(each.since)),
    )


_PROCESS_COLUMNS: Final[tuple[Column[Process], ...]] = (
    Column("process", lambda process: process.name, 40),
    Column("knows", lambda process: ", ".join(process.pepper_ids)),
)
