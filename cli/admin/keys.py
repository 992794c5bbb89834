"""`tessera keys issue|list|get|update`."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from cli.admin.command import Admin, command
from cli.admin.document import status_word, to_document
from cli.admin.options import (
    Expires,
    KeyArgument,
    KeyRequests,
    KeyTokens,
    Limit,
    Networks,
    Scopes,
    SecretFile,
)
from cli.admin.pages import walk
from cli.admin.rows import Column
from cli.admin.secret import place_for_secret
from cli.admin.times import show_minute, to_timestamp
from proto.tessera.admin.v1.keys_pb2 import (
    GetKeyRequest,
    GetKeyResponse,
    IssueKeyRequest,
    IssueKeyResponse,
    Key,
    ListKeysRequest,
    ListKeysResponse,
    UpdateKeyRequest,
    UpdateKeyResponse,
)

app = typer.Typer(rich_markup_mode=None)


class Status(StrEnum):
    """Whether a key works."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@command(
    app,
    "issue",
    "tessera keys issue --account Acme --name shop --environment prod",
    "tessera keys issue --account Acme --name shop --environment prod --expires 90d \\",
    "    --scope embeddings --network 10.1.0.0/16 --secret-file shop.key",
    "tessera keys issue --account Acme --name ci --environment dev --output json | jq -r .secret",
    "tessera keys issue --account Acme --name try --environment dev --requests-per-minute 60 \\",
    "    --tokens-per-minute 100000",
)
def issue(
    admin: Admin,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Its name or id.")],
    name: Annotated[str, typer.Option(help="What uses it.")],
    environment: Annotated[str, typer.Option(help="dev, staging, prod or any other text.")],
    scopes: Scopes = None,
    networks: Networks = None,
    expires: Expires = None,
    requests_per_minute: KeyRequests = None,
    tokens_per_minute: KeyTokens = None,
    secret_file: SecretFile = None,
) -> None:
    """Make a key; its text is told once. Without --expires it works until it is revoked.

    Its text goes to the terminal, to a new file with --secret-file, or into the JSON's `secret`.
    Where a table would go to a file or a program, say which with --secret-file or --output json.
    """
    request = IssueKeyRequest(
        account=account,
        name=name,
        environment=environment,
        scopes=scopes,
        networks=networks,
        expire_time=to_timestamp(expires),
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )
    with place_for_secret(secret_file, admin.screen) as place:
        response = admin.client.call(request, IssueKeyResponse)
        kept = place.put(response.secret, response.key.id)
    admin.screen.show({"key": to_document(response.key), **kept}, part="key")
    place.tell(response.secret)


@command(
    app,
    "list",
    "tessera keys list --account Acme --status active",
    "tessera keys list --environment prod --output json | jq -r '.keys[].id'",
)
def list_keys(
    admin: Admin,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Only of this one.")] = "",
    status: Annotated[Status | None, typer.Option(help="Only of this status.")] = None,
    environment: Annotated[str, typer.Option(help="Only of this environment.")] = "",
    limit: Limit = None,
) -> None:
    """List keys, the newest first, by their ids; a key's text is never told again."""
    request = ListKeysRequest(
        account=account,
        status=None if status is None else f"KEY_STATUS_{status.name}",
        environment=environment,
    )
    pages = walk(admin.client, request, ListKeysResponse, _keys_of, limit)
    admin.screen.show_pages("keys", pages, _COLUMNS if account else _COLUMNS_OF_ALL)


@command(app, "get", "tessera keys get 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d")
def get(admin: Admin, key_id: KeyArgument) -> None:
    """Show one key, without its text."""
    response = admin.client.call(GetKeyRequest(id=key_id), GetKeyResponse)
    admin.screen.show(to_document(response), part="key")


@command(
    app,
    "update",
    "tessera keys update 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --network 10.1.0.0/16",
    "tessera keys update 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --any-network",
    "tessera keys update 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --requests-per-minute 60",
    "tessera keys update 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --requests-per-minute none",
)
def update(
    admin: Admin,
    key_id: KeyArgument,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    environment: Annotated[str | None, typer.Option(help="Another environment.")] = None,
    scopes: Scopes = None,
    networks: Networks = None,
    requests_per_minute: KeyRequests = None,
    tokens_per_minute: KeyTokens = None,
    *,
    any_network: Annotated[
        bool, typer.Option("--any-network", help="Let calls come from anywhere.")
    ] = False,
) -> None:
    """Change what is said, and nothing else; scopes and networks are replaced as a whole."""
    if any_network and networks:
        raise typer.BadParameter("--any-network and --network contradict each other.")
    given: Mapping[str, object] = {
        "name": name,
        "environment": environment,
        "scopes": scopes or None,
        "networks": [] if any_network else networks or None,
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Say what to change: --name, --scope, --network or another.")
    changed = Key(id=key_id, **changes)  # type: ignore[arg-type] # they are named above
    request = UpdateKeyRequest(key=changed, update_mask=FieldMask(paths=changes))
    response = admin.client.call(request, UpdateKeyResponse)
    admin.screen.show(to_document(response), part="key")


def _show_limits(key: Key) -> str:
    limits = ((key.requests_per_minute, "requests"), (key.tokens_per_minute, "tokens"))
    return ", ".join(f"{limit:,} {what}" for limit, what in limits if limit)


def _keys_of(response: ListKeysResponse) -> Sequence[Key]:
    return response.keys


_COLUMNS: Final[tuple[Column[Key], ...]] = (
    Column("id", lambda key: key.id, 36),
    Column("name", lambda key: key.name),
    Column("environment", lambda key: key.environment, 11),
    Column("status", status_word, 7),
    Column("ends in", lambda key: key.last_four, 7),
    Column("expires (UTC)", lambda key: show_minute(key.expire_time), 16),
    Column("last used (UTC)", lambda key: show_minute(key.last_use_time), 16),
    Column("per minute", _show_limits, 16),
)
"""For the keys of one account."""
_COLUMNS_OF_ALL: Final[tuple[Column[Key], ...]] = (
    Column("id", lambda key: key.id, 36),
    Column("account", lambda key: key.account_id, 36),
    Column("name", lambda key: key.name),
    Column("status", status_word, 7),
)
