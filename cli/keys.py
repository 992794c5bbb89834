"""`tessera keys`: what can be done about API keys."""

import sys
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.admin import keys as administration
from cli.admin import revocation, rotation
from cli.examples import examples, verbatim
from cli.output import Output
from cli.scan.output import to_json, write_summary, write_table
from cli.scan.pool import JOBS_MAX, default_jobs
from cli.scan.progress import metered
from cli.scan.run import scan_paths

_FOUND: Final = 1
_INCOMPLETE: Final = 2
_INTERRUPTED: Final = 130
_UNFOLDED: Final = 10_000
"""Columns of a table that goes to a file or another program: more than any path has."""

app = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def keys() -> None:
    """API keys."""


@app.command(
    epilog=verbatim(
        "Exit codes:",
        "0  no key found",
        "1  keys found",
        "2  something could not be read, whether or not keys were found; or wrong usage",
    )
    + "\n\n"
    + examples(
        "tessera keys scan .",
        "tessera keys scan --history ~/src/shop",
        "tessera keys scan --output json . | jq -r '.findings[].file'",
        "kubectl logs deploy/shop | tessera keys scan -",
    )
)
def scan(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files and folders; - is standard input.")
    ],
    output: Annotated[Output, typer.Option(help="For people, or for programs.")] = Output.TABLE,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=64, help=f"Processes; as many as cores, up to {JOBS_MAX}."),
    ] = None,
    *,
    history: Annotated[
        bool, typer.Option("--history", help="Also every commit of the paths' git repositories.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Count what has a key's form and a wrong checksum.")
    ] = False,
) -> None:
    """Find Tessera API keys, without a network: a key's last six characters are a checksum.

    Finds them in plain text and in binary files, as ASCII, UTF-8 and UTF-16, whatever stands
    beside them; not inside compressed archives, nor encoded. Links are not followed. A key is
    shown masked, with the first 16 digits of its SHA-256 as a fingerprint to match findings by.
    """
    errors = Console(stderr=True, highlight=False)
    try:
        with metered(errors) as meter:
            report = scan_paths(paths, history=history, jobs=jobs or default_jobs(), meter=meter)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    if output is Output.JSON:
        sys.stdout.write(to_json(report))
    else:
        write_table(report, Console(highlight=False, width=_width()))
    write_summary(report, errors, verbose=verbose)
    if report.problems:
        raise typer.Exit(_INCOMPLETE)
    raise typer.Exit(_FOUND if report.findings else 0)


app.add_typer(administration.app)
app.add_typer(rotation.app)
app.add_typer(revocation.app)


def _width() -> int | None:
    return None if sys.stdout.isatty() else _UNFOLDED
