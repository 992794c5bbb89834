"""`tessera tiers`: what accounts may do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from cli.admin.command import Admin, command
from cli.admin.document import to_document
from cli.admin.rows import Column
from proto.tessera.admin.v1.tiers_pb2 import (
    GetTierRequest,
    GetTierResponse,
    ListTiersRequest,
    ListTiersResponse,
    Tier,
    UpsertTierRequest,
    UpsertTierResponse,
)

app = typer.Typer(help="What accounts may do.", no_args_is_help=True, rich_markup_mode=None)


class Enforcement(StrEnum):
    """Whether limits refuse."""

    ENFORCED = "enforced"
    SHADOW = "shadow"


Name = Annotated[str, typer.Argument(metavar="TIER", help="Its name.")]
Requests = Annotated[int | None, typer.Option(min=1, help="That each account may make.")]
Tokens = Annotated[int | None, typer.Option(min=1, help="In those; at most 100,000,000,000.")]
TokensPerMonth = Annotated[int | None, typer.Option(min=1, help="In a calendar month.")]


@app.callback()
def tiers() -> None:
    """Tiers: limits, endpoints and models that accounts share."""


@command(app, "list", "tessera tiers list")
def list_tiers(admin: Admin) -> None:
    """List every tier."""
    response = admin.client.call(ListTiersRequest(), ListTiersResponse)
    admin.screen.show_pages("tiers", [response.tiers], _COLUMNS)


@command(app, "get", "tessera tiers get standard --output json")
def get(admin: Admin, name: Name) -> None:
    """Show one tier."""
    response = admin.client.call(GetTierRequest(name=name), GetTierResponse)
    admin.screen.show(to_document(response), part="tier")


@command(
    app,
    "upsert",
    "tessera tiers upsert standard --requests-per-minute 6000",
    "tessera tiers upsert standard --enforcement shadow",
    "tessera tiers upsert pilot --requests-per-minute 600 --tokens-per-minute 1000000 \\",
    "    --tokens-per-month 100000000 --items-max 512 \\",
    "    --endpoint embeddings --endpoint models --endpoint usage --model '*'",
)
def upsert(
    admin: Admin,
    name: Name,
    requests_per_minute: Requests = None,
    tokens_per_minute: Tokens = None,
    tokens_per_month: TokensPerMonth = None,
    items_max: Annotated[int | None, typer.Option(min=1, help="Items in one request.")] = None,
    endpoints: Annotated[
        list[str] | None,
        typer.Option("--endpoint", metavar="ENDPOINT", help="embeddings, models, usage; repeat."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="MODEL", help="A model's id, or * for all; repeat."),
    ] = None,
    enforcement: Annotated[
        Enforcement | None,
        typer.Option(help="shadow: what limits would refuse is recorded, and passes."),
    ] = None,
) -> None:
    """Change what is said of a tier, or make one, for which all but --enforcement must be said.

    Its accounts have the new limits within moments.
    """
    given = {
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "tokens_per_month": tokens_per_month,
        "items_max": items_max,
        "endpoints": endpoints or None,
        "models": models or None,
        "enforcement": enforcement and f"ENFORCEMENT_{enforcement.name}",
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Say what to change: --requests-per-minute or another limit.")
    request = UpsertTierRequest(update_mask=FieldMask(paths=changes))
    request.tier.MergeFrom(_make_tier(name, changes))
    response = admin.client.call(request, UpsertTierResponse)
    admin.screen.show(to_document(response), part="tier")
    admin.screen.note("The tier was made." if response.created else "The tier was changed.")


def _make_tier(name: str, changes: Mapping[str, object]) -> Tier:
    try:
        return Tier(name=name, **changes)  # type: ignore[arg-type] # the caller named them
    except ValueError:
        raise typer.BadParameter("A limit is too large a number.") from None


_COLUMNS: Final[tuple[Column[Tier], ...]] = (
    Column("name", lambda tier: tier.name, 11),
    Column("requests/min", lambda tier: f"{tier.requests_per_minute:,}", 12),
    Column("tokens/min", lambda tier: f"{tier.tokens_per_minute:,}", 11),
    Column("tokens/month", lambda tier: f"{tier.tokens_per_month:,}", 17),
    Column("items", lambda tier: f"{tier.items_max:,}", 5),
    Column("endpoints", lambda tier: ", ".join(tier.endpoints), 11),
    Column("models", lambda tier: ", ".join(tier.models)),
    Column("enforcement", lambda tier: str(to_document(tier)["enforcement"] or ""), 11),
)
