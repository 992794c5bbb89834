"""`tessera keys revoke` and `revoke-leaked`: end a key."""

import sys
from datetime import timedelta
from typing import Annotated, Final

import typer

from cli.admin.acknowledgement import report, revoke_everywhere
from cli.admin.command import Admin, command
from cli.admin.document import to_document
from cli.admin.options import KeyArgument, Reason
from cli.admin.times import parse_duration
from cli.refusal import CommandError, Exit
from contract.keys import is_well_formed
from proto.tessera.admin.v1.keys_pb2 import (
    RevokeKeyRequest,
    RevokeKeyResponse,
    RevokeLeakedKeyRequest,
    RevokeLeakedKeyResponse,
)

_PASTED_MAX: Final = 4096
"""Characters read of what should be one key."""

_TIMEOUT: Final = timedelta(seconds=30)

app = typer.Typer(rich_markup_mode=None)


@command(
    app,
    "revoke",
    "tessera keys revoke 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --reason 'laptop stolen' --wait",
    more_codes=(Exit.NOT_KNOWN_EVERYWHERE,),
)
def revoke(
    admin: Admin,
    key_id: KeyArgument,
    reason: Reason = "",
    timeout: Annotated[
        timedelta | None,
        typer.Option(
            metavar="DURATION",
            parser=parse_duration,
            show_default="30s",
            help="How long --wait waits at most.",
        ),
    ] = None,
    *,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when every process refuses the key.")
    ] = False,
) -> None:
    """End a key for ever.

    Every process that answers checks refuses it within moments. With --wait, who does is shown,
    and who is not known to yet, with the time from which that process certainly answers nobody.
    """
    request = RevokeKeyRequest(id=key_id, reason=reason)
    if wait:
        report(
            admin.screen,
            revoke_everywhere(admin, request, _TIMEOUT if timeout is None else timeout),
        )
        return
    response = admin.client.call(request, RevokeKeyResponse)
    admin.screen.show(to_document(response), part="key")


@command(
    app,
    "revoke-leaked",
    "tessera keys revoke-leaked --found-at https://paste.example/4711",
    "tessera keys revoke-leaked --found-at 'build 4711' --reporter alice < found.txt",
)
def revoke_leaked(
    admin: Admin,
    found_at: Annotated[
        str, typer.Option(metavar="PLACE", help="Where it was found, for the audit and the mail.")
    ],
    reporter: Annotated[str, typer.Option(help="Who found it.")] = "",
) -> None:
    """End the key whose text was found somewhere, and warn its owner by mail.

    The text is read from standard input, or asked for without showing it; it is never an argument,
    which every process of a machine can see. What is no Tessera key is not sent.
    """
    secret = _read_secret()
    if not is_well_formed(secret):
        raise CommandError(
            "This is no Tessera key, for its form or its checksum is wrong; nothing was sent"
        )
    request = RevokeLeakedKeyRequest(secret=secret, found_at=found_at, reporter=reporter)
    response = admin.client.call(request, RevokeLeakedKeyResponse)
    if not response.known:
        raise CommandError("No key of this server has this text; another server may have made it")
    admin.screen.show(to_document(response), part="key")


def _read_secret() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Key's text", hide_input=True, err=True)).strip()
    return sys.stdin.read(_PASTED_MAX).strip()
