"""The demo account of a local stack, and the one key that is written to a file."""

import hashlib
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg

from authz.domain.administration.actor import Actor, ChangeRequest, Role
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.canonical import describe_account
from authz.domain.administration.records import AccountRecord, KeyListStatus, KeyRecord
from authz.domain.directory import AccountId, AccountStatus, KeyId
from authz.domain.pepper import KeyDigests, Peppers
from authz.service.admin.mint import KeyTerms, Mint
from authz.storage.admin.audited_change import make_change
from authz.storage.admin.tables import Tables
from authz.storage.failures import as_database_error
from contract.keys import is_well_formed

_ACTOR: Final = Actor("seed-demo", Role.OWNER, "local")
_ACCOUNT: Final = "demo"
_TIER: Final = "standard"
_TERMS: Final = KeyTerms("demo", "dev")
_KEYS_MAX: Final = 1000


async def seed_demo(connection: asyncpg.Connection, peppers: Peppers, out: Path) -> bool:
    """Leave a live key's text in `out`; tell whether it had to be made.

    A key in the file that is live is kept. One that was lost is revoked, since nobody has it.

    Raises:
        DatabaseError: PostgreSQL failed.
        OSError: the file cannot be written.
        RefusedError: the pepper that keys are made under is not known here, or the audit is
            damaged.
    """
    known = _read_secret(out)
    with as_database_error():
        if known is not None and await _is_live(connection, peppers, known):
            return False
        text = await _replace(connection, peppers)
    _write_secret(out, text)
    return True


async def _is_live(connection: asyncpg.Connection, peppers: Peppers, text: str) -> bool:
    """Tell whether a text is a key of the demo account that works."""
    tables, digests, ids = Tables(connection), KeyDigests(text, peppers), set(peppers.ids)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        chains = [chain for chain in await tables.keys.chains() if ids.issuperset(chain)]
        key_id = await tables.keys.find_by_digests([digests.under(chain) for chain in chains])
        key = None if key_id is None else await tables.keys.find(key_id)
        account = await tables.accounts.find_by_name(_ACCOUNT)
    return key is not None and account is not None and _is_ours(key, account)


def _is_ours(key: KeyRecord, account: AccountRecord) -> bool:
    return (
        key.account_id == account.id
        and key.name == _TERMS.name
        and key.status is KeyListStatus.ACTIVE
    )


async def _replace(connection: asyncpg.Connection, peppers: Peppers) -> str:
    """Make a key and revoke those that were lost, both or neither; return its text."""
    mint = Mint(lambda: peppers, secrets.randbelow)
    text = mint.make_text()

    async def work(tables: Tables, at: datetime) -> Made[None]:
        before = await tables.accounts.find_by_name(_ACCOUNT)
        account = before or await _open_account(tables, at)
        lost = await _revoke_lost(tables, account, at)
        key_id = KeyId(uuid4())
        described = await mint.describe(tables, at, text, _TERMS)
        await tables.keys.insert(key_id, account.id, described, at)
        facts = describe_account(account) | {"key_made": str(key_id), "keys_revoked": lost}
        old = None if before is None else describe_account(before)
        return Made(SubjectKind.ACCOUNT, str(account.id), old, facts, None)

    request = ChangeRequest(_ACTOR, "seed-demo", uuid4(), hashlib.sha256().digest())
    await make_change(connection, peppers, None, request, work, _never_sent_again)
    return text


async def _open_account(tables: Tables, at: datetime) -> AccountRecord:
    account = AccountRecord(AccountId(uuid4()), _ACCOUNT, None, _TIER, AccountStatus.ACTIVE, at)
    await tables.accounts.insert(account)
    return account


async def _revoke_lost(tables: Tables, account: AccountRecord, at: datetime) -> list[str]:
    live = await tables.keys.list(
        account_id=account.id,
        status=KeyListStatus.ACTIVE,
        environment=_TERMS.environment,
        after=None,
        limit=_KEYS_MAX,
    )
    lost = [key for key in live if _is_ours(key, account)]
    for key in lost:
        await tables.keys.revoke(key.id, at)
    return [str(key.id) for key in lost]


async def _never_sent_again(_: Tables, __: AuditEntry) -> None:
    """Every request of ours has an id of its own."""


def _read_secret(path: Path) -> str | None:
    """Return the key in a file, if that is what is in it."""
    try:
        text = path.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return text if is_well_formed(text) else None


def _write_secret(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner alone."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    unfinished.replace(path)
