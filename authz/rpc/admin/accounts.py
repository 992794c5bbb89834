"""AccountService."""

from typing import Final

from authz.domain.directory import AccountStatus
from authz.rpc.admin.account_messages import ACCOUNT_STATUSES, to_account
from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import WireFields, reading
from authz.rpc.admin.key_messages import to_key
from authz.service.admin.account_creation import FirstKey, NewAccount
from authz.service.admin.accounts import AccountChanges, AccountFilter, Accounts
from proto.tessera.admin.v1.accounts_pb2 import (
    CreateAccountRequest,
    CreateAccountResponse,
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

_CHANGEABLE: Final = ("name", "email", "tier", "status")
_FIRST_KEY_NAME: Final = "default"
_FIRST_KEY_ENVIRONMENT: Final = "prod"


class AccountServicer:
    """Unpacks, calls, packs."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def create_account(
        self, request: CreateAccountRequest, call: Call
    ) -> CreateAccountResponse:
        """Make an account, with its first key where one is asked for."""
        with reading() as fields:
            change = call.change(request, fields)
        new = NewAccount(request.name, request.email, request.tier)
        account, key = await self._accounts.create(change, new, _first_key(request))
        return CreateAccountResponse(
            account=to_account(account),
            first_key=None if key is None else to_key(key),
        )

    async def get_account(self, request: GetAccountRequest, _: Call) -> GetAccountResponse:
        """Return one account."""
        with reading() as fields:
            name = fields.required("account", request.account)
        return GetAccountResponse(account=to_account(await self._accounts.get(name)))

    async def list_accounts(self, request: ListAccountsRequest, _: Call) -> ListAccountsResponse:
        """Return one page of accounts."""
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
            status = fields.enum("status", request.status, ACCOUNT_STATUSES)
        chosen = AccountFilter(request.search, request.tier, status)
        found = await self._accounts.list(chosen, page)
        return ListAccountsResponse(
            accounts=map(to_account, found.items), next_page_token=found.next_token or ""
        )

    async def update_account(
        self, request: UpdateAccountRequest, call: Call
    ) -> UpdateAccountResponse:
        """Change what the mask names."""
        with reading() as fields:
            change = call.change(request, fields)
            account_id = str(fields.id("account.id", request.account.id))
            changes = _read_changes(request, fields)
        account = await self._accounts.update(change, account_id, changes)
        return UpdateAccountResponse(account=to_account(account))

    async def suspend_account(
        self, request: SuspendAccountRequest, call: Call
    ) -> SuspendAccountResponse:
        """Stop an account's keys for a while."""
        with reading() as fields:
            change = call.change(request, fields)
            name = fields.required("account", request.account)
        account = await self._accounts.suspend(change, name, request.reason)
        return SuspendAccountResponse(account=to_account(account))

    async def resume_account(
        self, request: ResumeAccountRequest, call: Call
    ) -> ResumeAccountResponse:
        """Let an account's keys work again."""
        with reading() as fields:
            change = call.change(request, fields)
            name = fields.required("account", request.account)
        account = await self._accounts.resume(change, name, request.reason)
        return ResumeAccountResponse(account=to_account(account))


def _first_key(request: CreateAccountRequest) -> FirstKey | None:
    if not request.HasField("first_key"):
        return None
    return FirstKey(
        request.first_key.name or _FIRST_KEY_NAME,
        request.first_key.environment or _FIRST_KEY_ENVIRONMENT,
    )


def _read_changes(request: UpdateAccountRequest, fields: WireFields) -> AccountChanges:
    mask = fields.changed(request.update_mask, _CHANGEABLE)
    sent = request.account
    return AccountChanges(
        name=sent.name if "name" in mask else None,
        email=sent.email if "email" in mask else None,
        tier=sent.tier if "tier" in mask else None,
        status=_read_status(sent.status, fields) if "status" in mask else None,
    )


def _read_status(number: int, fields: WireFields) -> AccountStatus | None:
    if not number:
        fields.refuse("account.status", "is required, for the mask names it")
    return fields.enum("account.status", number, ACCOUNT_STATUSES)
