"""`tessera accounts`: customers."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from cli.admin.command import Admin, command
from cli.admin.document import status_word, to_document
from cli.admin.options import AccountArgument, Limit, Reason
from cli.admin.pages import walk
from cli.admin.rows import Column
from proto.tessera.admin.v1.accounts_pb2 import (
    Account,
    CreateAccountRequest,
    CreateAccountResponse,
    FirstKey,
    GetAccountRequest,
    GetAccountResponse,
    ListAccountsRequest,
    ListAccountsResponse,
    ResumeAccountRequest,
    ResumeAccountResponse,
    SuspendAccountRequest,
    SuspendAccountResponse,
    UpdateAccountRequest,
    UpdateAccountResponse,
)

_MAIL_SECONDS: Final = 60.0
"""How long a mail server may take to accept a message."""

app = typer.Typer(help="Customers.", no_args_is_help=True, rich_markup_mode=None)


class Status(StrEnum):
    """Whether an account's keys work."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


Email = Annotated[str, typer.Option(metavar="ADDRESS", help="Where keys and warnings are sent.")]
Tier = Annotated[str, typer.Option(help="One of `tessera tiers list`.")]


@app.callback()
def accounts() -> None:
    """Customers: who they are, where mail reaches them, which tier they are on."""


@command(
    app,
    "create",
    "tessera accounts create --name Acme --email ops@acme.example --tier standard",
    "tessera accounts create --name Lab --email lab@acme.example --tier trial --no-key",
)
def create(
    admin: Admin,
    name: Annotated[str, typer.Option(help="Unique.")],
    email: Email,
    tier: Tier,
    key_name: Annotated[str, typer.Option(help="Name of its first key; default.")] = "",
    environment: Annotated[
        str, typer.Option(help="The first key's environment: dev, staging, prod, any text; prod.")
    ] = "",
    *,
    no_key: Annotated[bool, typer.Option("--no-key", help="Make and mail no key.")] = False,
) -> None:
    """Make an account, and mail its first key to it.

    The key's text is in the mail alone. If the mail server does not accept it, nothing is made.
    """
    if no_key and (key_name or environment):
        raise typer.BadParameter("--key-name and --environment are for the key --no-key omits.")
    request = CreateAccountRequest(
        name=name,
        email=email,
        tier=tier,
        first_key=None if no_key else FirstKey(name=key_name, environment=environment),
    )
    response = admin.client.call(request, CreateAccountResponse, _MAIL_SECONDS)
    admin.screen.show(to_document(response), part="account")
    if not no_key:
        admin.screen.note(f"Its first key was mailed to {email}; the mail alone has its text.")


@command(
    app,
    "list",
    "tessera accounts list --tier trial",
    "tessera accounts list --search acme --output json | jq -r '.accounts[].id'",
)
def list_accounts(
    admin: Admin,
    search: Annotated[str, typer.Option(help="Only with this text in name or email.")] = "",
    tier: Annotated[str, typer.Option(help="Only on this tier.")] = "",
    status: Annotated[Status | None, typer.Option(help="Only of this status.")] = None,
    limit: Limit = None,
) -> None:
    """List accounts by name."""
    request = ListAccountsRequest(search=search, tier=tier, status=_to_wire(status))
    pages = walk(admin.client, request, ListAccountsResponse, _accounts_of, limit)
    admin.screen.show_pages("accounts", pages, _COLUMNS)


@command(app, "get", "tessera accounts get Acme")
def get(admin: Admin, account: AccountArgument) -> None:
    """Show one account."""
    response = admin.client.call(GetAccountRequest(account=account), GetAccountResponse)
    admin.screen.show(to_document(response), part="account")


@command(
    app,
    "update",
    "tessera accounts update Acme --tier scale",
    "tessera accounts update Acme --status closed",
)
def update(
    admin: Admin,
    account: AccountArgument,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A new address.")] = None,
    tier: Annotated[str | None, typer.Option(help="Another tier.")] = None,
    status: Annotated[
        Status | None, typer.Option(help="closed: its keys answer 401, for ever.")
    ] = None,
) -> None:
    """Change what is said, and nothing else."""
    given = {"name": name, "email": email, "tier": tier, "status": status}
    paths = [field for field, value in given.items() if value is not None]
    if not paths:
        raise typer.BadParameter("Say what to change: --name, --email, --tier or --status.")
    changed = Account(
        id=_to_id(admin, account), name=name, email=email, tier=tier, status=_to_wire(status)
    )
    request = UpdateAccountRequest(account=changed, update_mask=FieldMask(paths=paths))
    response = admin.client.call(request, UpdateAccountResponse)
    admin.screen.show(to_document(response), part="account")


@command(app, "suspend", "tessera accounts suspend Acme --reason 'invoice 4711 is unpaid'")
def suspend(admin: Admin, account: AccountArgument, reason: Reason = "") -> None:
    """Make every key of an account answer 403 until it is resumed."""
    request = SuspendAccountRequest(account=account, reason=reason)
    response = admin.client.call(request, SuspendAccountResponse)
    admin.screen.show(to_document(response), part="account")


@command(app, "resume", "tessera accounts resume Acme --reason 'paid'")
def resume(admin: Admin, account: AccountArgument, reason: Reason = "") -> None:
    """End a suspension."""
    request = ResumeAccountRequest(account=account, reason=reason)
    response = admin.client.call(request, ResumeAccountResponse)
    admin.screen.show(to_document(response), part="account")


def _accounts_of(response: ListAccountsResponse) -> Sequence[Account]:
    return response.accounts


def _to_wire(status: Status | None) -> str | None:
    return None if status is None else f"ACCOUNT_STATUS_{status.name}"


def _to_id(admin: Admin, account: str) -> str:
    """Return the id of an account that is named; changes are made by id alone."""
    try:
        return str(UUID(account))
    except ValueError:
        found = admin.client.call(GetAccountRequest(account=account), GetAccountResponse)
        return found.account.id


_COLUMNS: Final[tuple[Column[Account], ...]] = (
    Column("id", lambda account: account.id, 36),
    Column("name", lambda account: account.name),
    Column("email", lambda account: account.email, 24),
    Column("tier", lambda account: account.tier, 9),
    Column(
        "status",
        status_word,
        9,
    ),
)
