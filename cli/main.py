"""The `tessera` command: run a stack on this machine, and administer one anywhere."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli import keys, model
from cli.admin import (
    accounts,
    audit,
    decisions,
    explain,
    invoices,
    pepper,
    prices,
    processes,
    tiers,
    usage,
)
from cli.certs import commands as certs
from cli.examples import examples
from stack.errors import StackError
from stack.layout import locate
from stack.log_reader import LogReader

_FOLLOW_SECONDS = 0.2

app = typer.Typer(
    help="Tessera: run an embeddings API on this machine, and administer one anywhere.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
app.add_typer(accounts.app, name="accounts")
app.add_typer(keys.app, name="keys")
app.add_typer(tiers.app, name="tiers")
app.add_typer(prices.app, name="prices")
app.add_typer(invoices.app, name="invoices")
app.add_typer(audit.app, name="audit")
app.add_typer(processes.app, name="processes")
app.add_typer(pepper.app, name="pepper")
app.add_typer(decisions.app, name="decisions")
app.add_typer(certs.app, name="certs")
app.add_typer(model.app, name="model")
usage.register(app)
explain.register(app)

State = Annotated[
    Path, typer.Option(help="Folder for data, logs and sockets; one stack per folder.")
]


@app.callback()
def tessera() -> None:
    """Tessera: run an embeddings API on this machine, and administer one anywhere."""


@app.command(epilog=examples("tessera up", "tessera up --detach --port 9000 --state /tmp/other"))
def up(
    state: State = Path(".tessera"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Public port; 0: a free one.")] = 8080,
    authz: Annotated[int, typer.Option(min=1, max=64, help="How many authz processes.")] = 1,
    model: Annotated[
        Path | None,
        typer.Option(metavar="REPOSITORY", help="What `tessera model compile` built."),
    ] = None,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when ready; stop it with `down`.")
    ] = False,
) -> None:
    """Start everything, and print the base URL, a key and a curl line.

    Ctrl-C stops it all again, unless it was started with --detach.
    """
    from cli import local  # noqa: PLC0415 - no command that asks a server waits for it
    from stack.options import Options  # noqa: PLC0415 - the same

    with _one_sentence_per_failure():
        local.start(Options(state, port, authz, model), detach=detach)


@app.command(epilog=examples("tessera down", "tessera down --state /tmp/other"))
def down(state: State = Path(".tessera")) -> None:
    """Stop the stack on a state folder, and wait until its last process is gone."""
    from cli import local  # noqa: PLC0415 - the same

    with _one_sentence_per_failure():
        local.stop(state)


@app.command(epilog=examples("tessera status", "tessera status --json | jq -r .base_url"))
def status(
    state: State = Path(".tessera"),
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what runs, and where its log is; exit code 0: ready, 1: not ready, 3: no stack."""
    from cli import local  # noqa: PLC0415 - the same

    raise typer.Exit(local.show(state, json=json))


@app.command(epilog=examples("tessera logs authz-1 | tail", "tessera logs triton --follow"))
def logs(
    name: Annotated[str, typer.Argument(help="A process or step, as `status` names it.")],
    state: State = Path(".tessera"),
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as it is written, until Ctrl-C.")
    ] = False,
) -> None:
    """Print the log of one process; beside it, named .log.1, is what came before."""
    folder = locate(state).logs
    log = folder / f"{name}.log"
    if log.parent != folder or not log.exists():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
        _fail(f"There is no log named {name} in {folder}; there are: {known}")
    with closing(LogReader(log)) as reader:
        while (output := reader.read()) or follow:
            typer.echo(output, nl=False)
            if not output:
                time.sleep(_FOLLOW_SECONDS)


def main() -> None:
    """Run the command."""
    app()


@contextmanager
def _one_sentence_per_failure() -> Iterator[None]:
    try:
        yield
    except StackError as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"tessera: {sentence}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
