"""Makes accounts; one with a first key only when the mail that carries it was accepted."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.canonical import Fact, describe_account
from authz.domain.administration.fields import Fields
from authz.domain.administration.mail import WelcomeMail
from authz.domain.administration.records import AccountRecord, KeyRecord
from authz.domain.administration.refusals import NotStoredError, RefusedError
from authz.domain.directory import AccountId, AccountStatus, KeyId
from authz.domain.undecided import DatabaseError
from authz.service.admin.account_rules import check_name_is_free, check_tier
from authz.service.admin.find import find_account, find_key
from authz.service.admin.mint import KeyTerms, Mint
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables
from authz.service.admin.welcome_mails import WelcomeMails

_log = structlog.get_logger()

Created = tuple[AccountRecord, KeyRecord | None]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to make; internal ones have an empty email."""

    name: str
    email: str
    tier: str


@dataclass(frozen=True, slots=True)
class FirstKey:
    """A key to make with an account, and to mail."""

    name: str
    environment: str


class AccountCreation:
    """Sends the mail first, and holds no lock that others wait for while it does."""

    def __init__(self, database: Database, mint: Mint, welcomes: WelcomeMails) -> None:
        self._database = database
        self._mint = mint
        self._welcomes = welcomes
        self._under_way: set[asyncio.Task[Created]] = set()

    async def create(
        self, change: ChangeRequest, new: NewAccount, first_key: FirstKey | None
    ) -> Created:
        """Make an account; with a first key, only if the mail that carries it was accepted.

        Raises:
            MailNotAcceptedError: it was not; nothing was made.
            NotStoredError: it was, but the account could not be stored.
            BusyError: too many are under way, or this very one is.
        """
        _read_fields(new, first_key).check()
        if first_key is None:
            return await self._store(change, new, None, "")
        return await self._to_its_end(self._create_mailed(change, new, first_key))

    async def _to_its_end(self, work: Coroutine[Any, Any, Created]) -> Created:
        """Go on when the caller gives up, for a mail that was accepted must not carry a dead key.

        The same request sent again then finds the account made.
        """
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_outcome)
            raise

    async def _create_mailed(
        self, change: ChangeRequest, new: NewAccount, first_key: FirstKey
    ) -> Created:
        names = (f"account.{new.name}", f"request.{change.id}")
        async with self._welcomes.place(), self._database.alone(*names):
            text = self._mint.make_text()
            if not await self._is_new(change, new, first_key):
                return await self._store(change, new, first_key, text)
            await self._welcomes.send(
                WelcomeMail(new.email, new.name, first_key.name, first_key.environment, text)
            )
            return await self._store_mailed(change, new, first_key, text)

    async def _is_new(self, change: ChangeRequest, new: NewAccount, first_key: FirstKey) -> bool:
        """Tell whether a request made nothing yet. Raises `RefusedError` if it cannot now."""
        async with self._database.session() as tables:
            if await tables.audit.find(change.id) is not None:
                return False
            await _check_new(tables, new, first_key)
            await self._mint.check(tables)
            return True

    async def _store_mailed(
        self, change: ChangeRequest, new: NewAccount, first_key: FirstKey, text: str
    ) -> Created:
        try:
            return await self._store(change, new, first_key, text)
        except (RefusedError, DatabaseError) as error:
            raise NotStoredError(
                "The mail was accepted, but the account could not be stored: take the key in it for"
                f" one that does not work, and send the same request again. ({error})"
            ) from error

    async def _store(
        self, change: ChangeRequest, new: NewAccount, first_key: FirstKey | None, text: str
    ) -> Created:
        account_id, key_id = AccountId(uuid4()), KeyId(uuid4())

        async def work(tables: Tables, at: datetime) -> Made[Created]:
            await _check_new(tables, new, first_key)
            account = _open(account_id, new, at)
            await tables.accounts.insert(account)
            key = None
            if first_key is not None:
                terms = KeyTerms(first_key.name, first_key.environment)
                described = await self._mint.describe(tables, at, text, terms)
                await tables.keys.insert(key_id, account_id, described, at)
                key = await find_key(tables, str(key_id))
            facts = describe_account(account) | _describe_first(key)
            return Made(SubjectKind.ACCOUNT, str(account_id), None, facts, (account, key))

        return await self._database.change(change, work, _replay_created)


def _log_outcome(task: "asyncio.Task[Created]") -> None:
    failure = None if task.cancelled() else task.exception()
    _log.info("account.creation_ended_unwatched", failure=failure and type(failure).__name__)


def _read_fields(new: NewAccount, first_key: FirstKey | None) -> Fields:
    fields = Fields()
    fields.account_name("name", new.name)
    fields.email("email", new.email)
    if first_key is not None:
        fields.name("first_key.name", first_key.name)
        fields.environment("first_key.environment", first_key.environment)
        if not new.email:
            fields.refuse("email", "is needed to send the first key to")
    return fields


async def _check_new(tables: Tables, new: NewAccount, first_key: FirstKey | None) -> None:
    """Return if an account can be made. Raises `RefusedError`."""
    fields = _read_fields(new, first_key)
    await check_tier(tables, fields, "tier", new.tier)
    fields.check()
    await check_name_is_free(tables, new.name)


def _open(account_id: AccountId, new: NewAccount, at: datetime) -> AccountRecord:
    email = new.email or None
    return AccountRecord(account_id, new.name, email, new.tier, AccountStatus.ACTIVE, at)


def _describe_first(key: KeyRecord | None) -> dict[str, Fact]:
    if key is None:
        return {}
    return {
        "first_key_id": str(key.id),
        "first_key_name": key.name,
        "first_key_environment": key.environment,
    }


async def _replay_created(tables: Tables, entry: AuditEntry) -> Created:
    account = await find_account(tables, entry.subject)
    key_id = json.loads(entry.after or "{}").get("first_key_id")
    return account, None if key_id is None else await find_key(tables, key_id)
