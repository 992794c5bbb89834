"""`tessera certs`: a CA of one's own, and certificates for the admin API."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.admin.document import Document
from cli.admin.screen import Screen
from cli.certs.role import Role
from cli.examples import examples
from cli.output import Output
from cli.refusal import Exit, exit_codes, one_sentence_per_failure

if TYPE_CHECKING:
    from cli.certs.workshop import Made, Workshop

_CA_DAYS: Final = 5 * 365
_CLIENT_DAYS: Final = 90
_SERVER_DAYS: Final = 365
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
"""What the admin API takes for a name, as far as a certificate has room for it."""
_RESERVED: Final = "local"
"""Whom the admin API takes for whoever calls on its own machine."""
_KEY_SUFFIX: Final = "-key"
"""Of the files that hold private keys; a certificate of such a name would replace one."""
_CODES: Final = exit_codes(Exit.DONE, Exit.REFUSED, Exit.USAGE)

app = typer.Typer(
    help="Certificates for the admin API.", no_args_is_help=True, rich_markup_mode=None
)


def _parse_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise typer.BadParameter("a name has up to 64 letters, digits, dots, hyphens, underscores.")
    if text == _RESERVED or text.endswith(_KEY_SUFFIX):
        raise typer.BadParameter(f"{_RESERVED} and names that end in {_KEY_SUFFIX} are taken.")
    return text


Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files; made if need be.")]
Ca = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the CA.", show_default="the one of --out"),
]
Days = Annotated[
    int, typer.Option(min=1, max=3650, help="Valid so long, and no longer than its CA.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
Shown = Annotated[Output, typer.Option("--output", help="For people, or for programs.")]


@app.callback()
def certs() -> None:
    """A CA of your own and certificates for the admin API, where you have no other PKI."""


@app.command(epilog=f"{examples('tessera certs init --out certs')}\n\n{_CODES}")
def init(
    out: Out,
    name: Annotated[str, typer.Option(parser=_parse_name, metavar="NAME")] = "tessera-admin-ca",
    days: Annotated[int, typer.Option(min=1, max=7300, help="How long it is valid.")] = _CA_DAYS,
    output: Shown = Output.TABLE,
    *,
    force: Force = False,
) -> None:
    """Make a CA: ca.pem, which everyone may read, and ca-key.pem, which signs; keep that one safe.

    Replacing a CA makes every certificate that it signed worthless.
    """
    with one_sentence_per_failure():
        made = _workshop().init(out, name, timedelta(days=days), force=force)
    _show(made, Screen(output))


@app.command(
    epilog=examples(
        "tessera certs issue --role owner --name alice --out certs",
        "tessera certs issue --role leaks --name receiver --out receiver --ca certs --days 30",
    )
    + f"\n\n{_CODES}"
)
def issue(
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    name: Annotated[
        str, typer.Option(parser=_parse_name, metavar="NAME", help="Whom the audit names.")
    ],
    out: Out,
    ca: Ca = None,
    days: Days = _CLIENT_DAYS,
    output: Shown = Output.TABLE,
    *,
    force: Force = False,
) -> None:
    """Make a certificate with which somebody calls the admin API: ROLE-NAME.pem and its key.

    owner may do everything; support all but tiers and peppers; portal works with keys; read-only
    looks; leaks reports leaked keys.
    """
    lifetime = timedelta(days=days)
    with one_sentence_per_failure():
        made = _workshop().issue(ca or out, out, role, name, lifetime, force=force)
    _show(made, Screen(output))


@app.command(
    "issue-server",
    epilog=examples(
        "tessera certs issue-server --host admin.tessera.example --out certs",
        "tessera certs issue-server --host localhost --host 127.0.0.1 --out certs",
    )
    + f"\n\n{_CODES}",
)
def issue_server(
    hosts: Annotated[
        list[str],
        typer.Option("--host", metavar="HOST", help="A DNS name or IP address of it; repeat."),
    ],
    out: Out,
    ca: Ca = None,
    days: Days = _SERVER_DAYS,
    output: Shown = Output.TABLE,
    *,
    force: Force = False,
) -> None:
    """Make the admin server's certificate: server.pem and its key."""
    lifetime = timedelta(days=days)
    with one_sentence_per_failure():
        made = _workshop().issue_server(ca or out, out, hosts, lifetime, force=force)
    _show(made, Screen(output))


@app.command(epilog=f"{examples('tessera certs show certs/owner-alice.pem')}\n\n{_CODES}")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate in PEM.")],
    output: Shown = Output.TABLE,
) -> None:
    """Show whose a certificate is, what it is for, and until when."""
    with one_sentence_per_failure():
        description = _workshop().show(file)
    Screen(output).show({"certificate": description}, part="certificate")


def _workshop() -> "Workshop":
    # Commands that make no certificate need not wait for cryptography.
    from cli.certs.workshop import Workshop  # noqa: PLC0415

    return Workshop(datetime.now(UTC))


def _show(made: "Made", screen: Screen) -> None:
    files: Document = {"certificate": str(made.files.certificate), "key": str(made.files.key)}
    document: Document = {"certificate": made.certificate, "files": files}
    screen.show(document, part="certificate")
    screen.note(f"Written: {made.files.certificate}, {made.files.key}")
