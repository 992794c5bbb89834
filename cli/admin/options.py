"""Options that several commands of administration have."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeAlias
from uuid import UUID

import typer

from cli.admin.times import parse_duration, parse_expiry
from contract.keys import PREFIX


def _parse_key_id(text: str) -> str:
    if text.startswith(PREFIX):
        raise typer.BadParameter(
            "this is a key's text, and must not be in a command line;"
            " `tessera keys revoke-leaked` asks for it, everything else takes the key's id."
        )
    try:
        return str(UUID(text))
    except ValueError:
        raise typer.BadParameter("a key's id is a UUID; `tessera keys list` shows it.") from None


def _limit_parser(maximum: int) -> Callable[[str], int]:
    """Return what reads a number that a message can hold, or `none` as 0."""

    def parse(text: str) -> int:
        if text == "none":
            return 0
        # Not 0 either: who types it wants to let nothing pass, and would take the limit away.
        if re.fullmatch(r"\d{1,19}", text, re.ASCII) is None or not 1 <= int(text) <= maximum:
            raise typer.BadParameter(f"a limit is a number from 1 to {maximum}, or none.")
        return int(text)

    return parse


def _parse_expiry_from_now(text: str) -> datetime:
    return parse_expiry(text, datetime.now(UTC))


AccountArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="Its name or id.")
]
KeyArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="KEY", help="The key's id.", parser=_parse_key_id)
]
Limit: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="At most so many; all where nothing is said.")
]
Reason: TypeAlias = Annotated[str, typer.Option(help="Why, for the audit.")]
Scopes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="ENDPOINT",
        help="An endpoint it may call: embeddings, models, usage; repeat.",
    ),
]
KeyRequests: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--requests-per-minute",
        metavar="N",
        parser=_limit_parser(2**31 - 1),
        help="A limit of its own, inside its account's; none takes it away.",
    ),
]
KeyTokens: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--tokens-per-minute",
        metavar="N",
        parser=_limit_parser(100_000_000_000),
        help="The same for tokens.",
    ),
]
Networks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--network", metavar="CIDR", help="A network that calls may come from; repeat."),
]
Expires: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        metavar="WHEN",
        parser=_parse_expiry_from_now,
        help="90d, 2030-01-31 or 2030-01-31T12:00:00Z.",
    ),
]
Grace: TypeAlias = Annotated[
    timedelta | None,
    typer.Option(
        metavar="DURATION",
        parser=parse_duration,
        show_default="24h",
        help="How long the old key lives on: 0, 1h, 24h, 7d or any other.",
    ),
]
SecretFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the key's text to this new file, of mode 0600, and nowhere else.",
    ),
]
