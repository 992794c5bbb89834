"""Accounts: made, changed, suspended and resumed."""

from dataclasses import dataclass, replace
from datetime import datetime

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.canonical import describe_account
from authz.domain.administration.fields import NAME_MAX, Fields
from authz.domain.administration.paging import bad_position, make_page, read_position
from authz.domain.administration.records import AccountRecord, Page, PageRequest
from authz.domain.directory import AccountStatus
from authz.service.admin.account_creation import AccountCreation, Created, FirstKey, NewAccount
from authz.service.admin.account_rules import check_name_is_free, check_open, check_tier
from authz.service.admin.find import find_account
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables

__all__ = ["AccountChanges", "AccountFilter", "Accounts", "FirstKey", "NewAccount"]


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """New values; what is `None` stays as it is. An empty email takes it away."""

    name: str | None = None
    email: str | None = None
    tier: str | None = None
    status: AccountStatus | None = None


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts to list; an empty text and `None` leave none out."""

    search: str = ""
    tier: str = ""
    status: AccountStatus | None = None


class Accounts:
    """All accounts but our own canary's. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database, creation: AccountCreation) -> None:
        self._database = database
        self._creation = creation

    async def create(
        self, change: ChangeRequest, new: NewAccount, first_key: FirstKey | None
    ) -> Created:
        """Make an account; with a first key, only if the mail that carries it was accepted."""
        return await self._creation.create(change, new, first_key)

    async def get(self, account: str) -> AccountRecord:
        """Return the account of this id or name."""
        async with self._database.session() as tables:
            return await find_account(tables, account)

    async def list(self, wanted: AccountFilter, page: PageRequest) -> Page[AccountRecord]:
        """Return accounts by name."""
        _check_filter(wanted)
        list_name = repr(wanted)
        after = _parse_position(read_position(page, list_name))
        async with self._database.session() as tables:
            found = await tables.accounts.list(
                search=wanted.search,
                tier=wanted.tier,
                status=wanted.status,
                after=after,
                limit=page.size + 1,
            )
        return make_page(found, page.size, list_name, lambda account: account.name)

    async def update(
        self, change: ChangeRequest, account_id: str, changes: AccountChanges
    ) -> AccountRecord:
        """Change what `changes` says; `closed` is for ever."""

        async def work(tables: Tables, _: datetime) -> Made[AccountRecord]:
            before = await find_account(tables, account_id)
            after = await _apply(tables, before, changes)
            return await _store_changed(tables, before, after)

        return await self._database.change(change, work, _replay)

    async def suspend(self, change: ChangeRequest, account: str, reason: str) -> AccountRecord:
        """Make every key of an account answer 403."""
        return await self._set_status(change, account, AccountStatus.SUSPENDED, reason)

    async def resume(self, change: ChangeRequest, account: str, reason: str) -> AccountRecord:
        """End a suspension."""
        return await self._set_status(change, account, AccountStatus.ACTIVE, reason)

    async def _set_status(
        self, change: ChangeRequest, account: str, status: AccountStatus, reason: str
    ) -> AccountRecord:
        fields = Fields()
        note = fields.note("reason", reason)
        fields.check()

        async def work(tables: Tables, _: datetime) -> Made[AccountRecord]:
            before = await find_account(tables, account)
            check_open(before)
            return await _store_changed(tables, before, replace(before, status=status), note)

        return await self._database.change(change, work, _replay)


def _check_filter(wanted: AccountFilter) -> None:
    fields = Fields()
    fields.text("search", wanted.search, NAME_MAX)
    fields.text("tier", wanted.tier, NAME_MAX)
    fields.check()


def _parse_position(position: str | None) -> str | None:
    if position is not None and not position.isprintable():
        raise bad_position()  # no name is, and PostgreSQL would not even compare it
    return position


async def _apply(tables: Tables, account: AccountRecord, changes: AccountChanges) -> AccountRecord:
    fields = Fields()
    if changes.name is not None and changes.name != account.name:
        account = replace(account, name=fields.account_name("account.name", changes.name))
        await check_name_is_free(tables, changes.name)
    if changes.email is not None:
        account = replace(account, email=fields.email("account.email", changes.email))
    if changes.tier is not None:
        await check_tier(tables, fields, "account.tier", changes.tier)
        account = replace(account, tier=changes.tier)
    fields.check()
    if changes.status is not None and changes.status is not account.status:
        check_open(account)
        account = replace(account, status=changes.status)
    return account


async def _store_changed(
    tables: Tables, before: AccountRecord, after: AccountRecord, reason: str | None = None
) -> Made[AccountRecord]:
    if after != before:
        await tables.accounts.update(after)
    facts = describe_account(after)
    if reason is not None:
        facts["reason"] = reason
    return Made(SubjectKind.ACCOUNT, str(after.id), describe_account(before), facts, after)


async def _replay(tables: Tables, entry: AuditEntry) -> AccountRecord:
    return await find_account(tables, entry.subject)
