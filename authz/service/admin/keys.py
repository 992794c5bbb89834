"""The life of a key: issued, changed, rotated, revoked."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.canonical import describe_key
from authz.domain.administration.fields import ENVIRONMENT_MAX, Fields
from authz.domain.administration.paging import bad_position, make_page, read_position
from authz.domain.administration.records import KeyListStatus, KeyRecord, Page, PageRequest
from authz.domain.administration.refusals import PreconditionError
from authz.domain.directory import (
    REQUESTS_PER_MINUTE_MAX,
    TOKENS_PER_MINUTE_MAX,
    Endpoint,
    KeyId,
)
from authz.service.admin.find import find_account, find_key, find_open_account
from authz.service.admin.leaked_keys import LeakedKeys
from authz.service.admin.mint import KeyTerms, Mint
from authz.service.admin.ports import Database
from authz.service.admin.replace_key import (
    check_replaceable,
    end_of_grace,
    find_pair,
    read_rotation,
)
from authz.service.admin.tables import Tables

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeySpec:
    """A key to make. Without scopes it may call every endpoint, without networks from anywhere.

    Limits of 0 are none of its own; one that is above its account's has no effect.
    """

    account: str
    name: str
    environment: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    expires_at: datetime | None
    requests_per_minute: int = 0
    tokens_per_minute: int = 0


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """New values; what is `None` stays as it is, and a limit of 0 is taken away."""

    name: str | None = None
    environment: str | None = None
    scopes: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys to list; an empty text and `None` leave none out."""

    account: str = ""
    status: KeyListStatus | None = None
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A key and its text, which is `None` where this request made the key before."""

    key: KeyRecord
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A key that took another's place; its text is `None` where this request made it before."""

    key: KeyRecord
    secret: str | None = field(repr=False)
    replaced: KeyRecord


@dataclass(frozen=True, slots=True)
class Revoked:
    """A key that is over; whoever has applied change `number` refuses it."""

    key: KeyRecord
    number: int


class Keys:
    """All keys but our own canary's. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database, mint: Mint, leaked: LeakedKeys) -> None:
        self._database = database
        self._mint = mint
        self._leaked = leaked

    async def issue(self, change: ChangeRequest, spec: KeySpec) -> Issued:
        """Make a key; its text is told this once."""
        key_id, text = KeyId(uuid4()), self._mint.make_text()

        async def work(tables: Tables, at: datetime) -> Made[Issued]:
            terms = _read_spec(spec, at)
            account = await find_open_account(tables, spec.account)
            described = await self._mint.describe(tables, at, text, terms)
            await tables.keys.insert(key_id, account.id, described, at)
            key = await find_key(tables, str(key_id))
            return _made(None, key, Issued(key, text))

        async def replay(tables: Tables, entry: AuditEntry) -> Issued:
            key = await find_key(tables, entry.subject)
            return Issued(key, text if key.id == key_id else None)

        return await self._database.change(change, work, replay)

    async def get(self, key_id: str) -> KeyRecord:
        """Return the key of this id."""
        async with self._database.session() as tables:
            return await find_key(tables, key_id)

    async def list(self, wanted: KeyFilter, page: PageRequest) -> Page[KeyRecord]:
        """Return keys, the newest first."""
        _check_filter(wanted)
        list_name = repr(wanted)
        after = _parse_position(read_position(page, list_name))
        async with self._database.session() as tables:
            account = await find_account(tables, wanted.account) if wanted.account else None
            found = await tables.keys.list(
                account_id=None if account is None else account.id,
                status=wanted.status,
                environment=wanted.environment,
                after=after,
                limit=page.size + 1,
            )
        return make_page(found, page.size, list_name, _write_position)

    async def update(self, change: ChangeRequest, key_id: str, changes: KeyChanges) -> KeyRecord:
        """Change what `changes` says of a key that is not revoked."""

        async def work(tables: Tables, _: datetime) -> Made[KeyRecord]:
            before = await find_key(tables, key_id)
            after = _apply(before, changes)
            if before.status is KeyListStatus.REVOKED:
                raise PreconditionError("key", key_id, "The key is revoked, for ever.")
            if after != before:
                await tables.keys.update(after)
            return _made(before, after, after)

        return await self._database.change(change, work, _replay)

    async def rotate(
        self, change: ChangeRequest, key_id: str, grace: timedelta, expires_at: datetime | None
    ) -> Rotated:
        """Make a key that takes another's place; the other lives on for `grace` at most.

        The new key expires at `expires_at`, or lives as long as the old one was made for.
        """
        new_id, text = KeyId(uuid4()), self._mint.make_text()

        async def work(tables: Tables, at: datetime) -> Made[Rotated]:
            old = await find_key(tables, key_id)
            terms = read_rotation(old, grace, expires_at, at)
            await check_replaceable(tables, old)
            described = await self._mint.describe(tables, at, text, terms)
            await tables.keys.insert(new_id, old.account_id, described, at, replaces=old.id)
            await tables.keys.replace(old.id, new_id, end_of_grace(old, grace, at))
            if not grace:
                await tables.keys.revoke(old.id, at)
            key, replaced = await find_pair(tables, key_id)
            return _made(old, replaced, Rotated(key, text, replaced))

        async def replay(tables: Tables, entry: AuditEntry) -> Rotated:
            key, replaced = await find_pair(tables, entry.subject)
            return Rotated(key, text if key.id == new_id else None, replaced)

        return await self._database.change(change, work, replay)

    async def revoke(self, change: ChangeRequest, key_id: str, reason: str) -> Revoked:
        """End a key for ever; one that is revoked already stays as it is."""
        fields = Fields()
        note = fields.note("reason", reason)
        fields.check()

        async def work(tables: Tables, at: datetime) -> Made[Revoked]:
            before = await find_key(tables, key_id)
            await tables.keys.revoke(before.id, at)
            after = await find_key(tables, key_id)
            # While nobody else can change anything, the newest number is this change's, or a later
            # one than that which revoked the key.
            revoked = Revoked(after, await tables.changes.newest_number())
            return _made(before, after, revoked, reason=note)

        return await self._database.change(change, work, _replay_revoked)

    async def revoke_leaked(
        self, change: ChangeRequest, text: str, found_at: str, reporter: str
    ) -> KeyRecord | None:
        """Revoke the key that a text is, and leave its owner a mail; `None` where it is none."""
        return await self._leaked.revoke(change, text, found_at, reporter)


def _check_filter(wanted: KeyFilter) -> None:
    fields = Fields()
    fields.text("environment", wanted.environment, ENVIRONMENT_MAX)
    fields.check()


def _read_spec(spec: KeySpec, at: datetime) -> KeyTerms:
    fields = Fields()
    terms = KeyTerms(
        fields.name("name", spec.name),
        fields.environment("environment", spec.environment),
        fields.endpoints("scopes", spec.scopes) or frozenset(Endpoint),
        fields.networks("networks", spec.networks),
        fields.expiry("expire_time", spec.expires_at, at),
        fields.own_limit("requests_per_minute", spec.requests_per_minute, REQUESTS_PER_MINUTE_MAX),
        fields.own_limit("tokens_per_minute", spec.tokens_per_minute, TOKENS_PER_MINUTE_MAX),
    )
    fields.check()
    return terms


def _apply(key: KeyRecord, changes: KeyChanges) -> KeyRecord:
    fields = Fields()
    if changes.name is not None:
        key = replace(key, name=fields.name("key.name", changes.name))
    if changes.environment is not None:
        key = replace(key, environment=fields.environment("key.environment", changes.environment))
    if changes.scopes is not None:
        scopes = fields.endpoints("key.scopes", changes.scopes)
        key = replace(key, scopes=scopes or frozenset(Endpoint))
    if changes.networks is not None:
        key = replace(key, networks=fields.networks("key.networks", changes.networks))
    key = _apply_limits(fields, key, changes)
    fields.check()
    return key


def _apply_limits(fields: Fields, key: KeyRecord, changes: KeyChanges) -> KeyRecord:
    requests, tokens = changes.requests_per_minute, changes.tokens_per_minute
    if requests is not None:
        path = "key.requests_per_minute"
        limit = fields.own_limit(path, requests, REQUESTS_PER_MINUTE_MAX)
        key = replace(key, requests_per_minute=limit)
    if tokens is not None:
        limit = fields.own_limit("key.tokens_per_minute", tokens, TOKENS_PER_MINUTE_MAX)
        key = replace(key, tokens_per_minute=limit)
    return key


def _made(
    before: KeyRecord | None, after: KeyRecord, value: T, reason: str | None = None
) -> Made[T]:
    facts = describe_key(after)
    if reason is not None:
        facts["reason"] = reason
    described = None if before is None else describe_key(before)
    return Made(SubjectKind.KEY, str(after.id), described, facts, value)


async def _replay(tables: Tables, entry: AuditEntry) -> KeyRecord:
    return await find_key(tables, entry.subject)


async def _replay_revoked(tables: Tables, entry: AuditEntry) -> Revoked:
    return Revoked(await find_key(tables, entry.subject), await tables.changes.newest_number())


def _write_position(key: KeyRecord) -> str:
    return f"{key.created_at.isoformat()} {key.id}"


def _parse_position(position: str | None) -> tuple[datetime, UUID] | None:
    if position is None:
        return None
    written, _, key_id = position.partition(" ")
    try:
        created_at = datetime.fromisoformat(written)
        parsed = created_at, UUID(key_id)
    except ValueError:
        raise bad_position() from None
    if created_at.utcoffset() != timedelta():  # with another, it may be a time without a date
        raise bad_position()
    return parsed
