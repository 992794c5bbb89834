"""Looks up what a request is about."""

from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.fields import parse_uuid
from authz.domain.administration.records import AccountRecord, KeyRecord
from authz.domain.administration.refusals import NotFoundError, PreconditionError
from authz.domain.directory import AccountId, AccountStatus, KeyId
from authz.service.admin.tables import Tables


async def find_account(tables: Tables, account: str) -> AccountRecord:
    """Return the account of this id or name.

    Raises:
        NotFoundError: there is none.
    """
    found = await _look_up(tables, account)
    if found is None or found.name == CANARY_ACCOUNT:
        raise NotFoundError("account", account, "There is no such account.")
    return found


async def find_open_account(tables: Tables, account: str) -> AccountRecord:
    """Return an account that can have new keys.

    Raises:
        NotFoundError: there is none.
        PreconditionError: it is closed.
    """
    found = await find_account(tables, account)
    if found.status is AccountStatus.CLOSED:
        raise PreconditionError("account", account, "The account is closed.")
    return found


async def find_key(tables: Tables, key_id: str) -> KeyRecord:
    """Return the key of this id.

    Raises:
        NotFoundError: there is none.
    """
    parsed = parse_uuid(key_id)
    found = None if parsed is None else await tables.keys.find(KeyId(parsed))
    if found is None:
        raise NotFoundError("key", key_id, "There is no such key.")
    return found


async def _look_up(tables: Tables, account: str) -> AccountRecord | None:
    account_id = parse_uuid(account)
    if account_id is not None:
        return await tables.accounts.find(AccountId(account_id))
    # Nothing else is a name, and PostgreSQL would not even compare it.
    return await tables.accounts.find_by_name(account) if account.isprintable() else None
