"""Registers a command of administration: with the options, failures and help that all share."""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from typer.models import OptionInfo

from cli.admin.screen import Screen
from cli.admin.server import choose_server
from cli.examples import examples
from cli.output import Output, SheetOutput
from cli.refusal import Exit, exit_codes, one_sentence_per_failure

if TYPE_CHECKING:
    from cli.admin.client import Client

B = TypeVar("B", bound=Callable[..., None])

_CODES: Final = (Exit.DONE, Exit.REFUSED, Exit.USAGE, Exit.UNREACHABLE, Exit.NOT_PERMITTED)


@dataclass(frozen=True, slots=True)
class Admin:
    """What a command works with: a server, and somewhere to write to."""

    client: "Client"
    screen: Screen


def command(
    app: typer.Typer,
    name: str,
    *shown: str,
    more_codes: tuple[Exit, ...] = (),
    with_csv: bool = False,
) -> Callable[[B], B]:
    """Register a function whose first parameter is `Admin`; `shown` are examples for its help.

    To the options of its own it gets those that say which server, and for whom to write.
    """
    shared = _SHARED | {"output": _OR_CSV} if with_csv else _SHARED

    def register(body: B) -> B:
        def run(**arguments: Any) -> None:  # noqa: ANN401 typer gives what the signature names
            taken = {name: arguments.pop(name) for name in shared}
            with one_sentence_per_failure(), _administration(**taken) as admin:
                body(admin, **arguments)

        _, *own = inspect.signature(body).parameters.values()
        run.__signature__ = inspect.Signature([*own, *shared.values()])  # type: ignore[attr-defined]
        run.__doc__ = body.__doc__
        epilog = f"{examples(*shown)}\n\n{exit_codes(*_CODES, *more_codes)}"
        app.command(name, epilog=epilog)(run)
        return body

    return register


def _file(variable: str, help_text: str) -> OptionInfo:
    option: OptionInfo = typer.Option(
        envvar=variable, metavar="FILE", help=help_text, exists=True, dir_okay=False, readable=True
    )
    return option


@contextmanager
def _administration(
    *,
    context: typer.Context,
    output: Annotated[Output, typer.Option(help="For people, or for programs.")] = Output.TABLE,
    state: Annotated[
        Path | None,
        typer.Option(
            help="State folder of a stack on this machine.", show_default=".tessera", metavar="DIR"
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            envvar="TESSERA_ADMIN_ADDRESS", metavar="HOST:PORT", help="A server to reach over mTLS."
        ),
    ] = None,
    ca: Annotated[Path | None, _file("TESSERA_ADMIN_CA", "CA of that server.")] = None,
    cert: Annotated[Path | None, _file("TESSERA_ADMIN_CERT", "Your certificate.")] = None,
    key: Annotated[Path | None, _file("TESSERA_ADMIN_KEY", "Its private key.")] = None,
) -> Iterator[Admin]:
    source = context.get_parameter_source("address")
    server = choose_server(
        state,
        address,
        (ca, cert, key),
        address_typed=source is not None and source.name == "COMMANDLINE",
    )
    # gRPC's own log is not for whoever typed a command; what fails is told in a sentence.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # It takes a while to import, which commands that call nobody need not wait for.
    from cli.admin.client import connect  # noqa: PLC0415

    with connect(server) as client:
        yield Admin(client, Screen(output))


_SHARED: Final = dict(inspect.signature(_administration).parameters)
_OR_CSV: Final = _SHARED["output"].replace(
    annotation=Annotated[
        SheetOutput, typer.Option(help="For people, for programs, or for a spreadsheet.")
    ],
    default=SheetOutput.TABLE,
)
