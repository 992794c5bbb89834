"""`tessera model`: models, from a checkpoint to answers.

The work is done by `python -m inference model`, a program of its own: what compiles models need not
be installed where the command only talks to a server. This process becomes that one, so its exit
code is the command's, and Ctrl-C reaches it.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from cli.examples import examples

app = typer.Typer(help="Models.", no_args_is_help=True, rich_markup_mode=None)

_PASSED_ON: Final = {"ignore_unknown_options": True, "help_option_names": []}
Arguments = Annotated[list[str] | None, typer.Argument()]


@app.callback()
def model() -> None:
    """Models: what a checkpoint is, and what is made of it."""


@app.command("inspect", context_settings=_PASSED_ON, add_help_option=False)
def inspect(arguments: Arguments = None) -> None:
    """Say what a checkpoint is, what each engine would need, and what is wrong with it."""
    _become("inference", "model", "inspect", *(arguments or []))


@app.command("compile", context_settings=_PASSED_ON, add_help_option=False)
def compile_model(arguments: Arguments = None) -> None:
    """Build a model repository: what Triton loads, and what authz and the adapter read."""
    _become("inference", "model", "compile", *(arguments or []))


@app.command("verify", context_settings=_PASSED_ON, add_help_option=False)
def verify(arguments: Arguments = None) -> None:
    """Compare a repository's files with their digests, and its model with its golden vectors."""
    _become("inference", "model", "verify", *(arguments or []))


@app.command(
    epilog=examples(
        "tessera model serve /srv/model",
        "tessera model serve /srv/model --port 9000 --state /tmp/other",
    )
)
def serve(
    repository: Annotated[
        Path, typer.Argument(metavar="REPOSITORY", help="What `tessera model compile` built.")
    ],
    state: Annotated[Path, typer.Option(help="Folder for data, logs and sockets.")] = Path(
        ".tessera"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Public port; 0: a free one.")] = 8080,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when ready; stop it with `tessera down`.")
    ] = False,
) -> None:
    """Start the whole product on this machine with this model: `tessera up --model REPOSITORY`."""
    options = (f"--model={repository}", f"--state={state}", f"--port={port}")
    _become("cli", "up", *options, *(("--detach",) if detach else ()))


def _become(module: str, *arguments: str) -> NoReturn:
    sys.stdout.flush()
    # -P: a folder of that name where the caller happens to stand is not ours.
    argv = [sys.executable, "-P", "-m", module, *arguments]
    os.execv(sys.executable, argv)  # noqa: S606 - ourselves, and no shell
