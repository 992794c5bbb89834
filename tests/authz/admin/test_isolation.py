"""What a change leaves alone: everything but what it is about."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from authz.domain.directory import AccountStatus
from authz.service.admin.accounts import AccountChanges, NewAccount
from authz.service.admin.keys import Issued, KeyChanges, KeySpec
from tests.administration import Administration, ask

_ROWS = """
    SELECT 'account ' || id AS name, accounts::text AS content FROM accounts
    UNION ALL SELECT 'key ' || id, keys::text FROM keys
    UNION ALL SELECT 'tier ' || tiers.name, tiers::text FROM tiers
"""
_FILL = """
    INSERT INTO keys (id, account_id, name, environment, scopes, pepper_id, digest, prefix,
                      last_four)
         SELECT gen_random_uuid(), accounts.id, 'k' || n, 'prod', '{embeddings,models}', '5e5e5e5e',
                sha256((accounts.name || n)::bytea), 'sk-tessera-abc', 'wxyz'
           FROM accounts, generate_series(1, 50) AS n
"""

Change = Callable[[Administration, Issued], Awaitable[object]]


async def _rows(connection: asyncpg.Connection) -> dict[str, str]:
    return {row["name"]: row["content"] for row in await connection.fetch(_ROWS)}


def _rotate(services: Administration, issued: Issued) -> Awaitable[object]:
    return services.keys.rotate(ask(), str(issued.key.id), timedelta(hours=1), None)


def _revoke(services: Administration, issued: Issued) -> Awaitable[object]:
    return services.keys.revoke(ask(), str(issued.key.id), "")


def _revoke_leaked(services: Administration, issued: Issued) -> Awaitable[object]:
    return services.keys.revoke_leaked(ask(), issued.secret or "", "here", "ada")


def _update_key(services: Administration, issued: Issued) -> Awaitable[object]:
    changes = KeyChanges("new", "dev", ("models",), ("192.0.2.0/24",))
    return services.keys.update(ask(), str(issued.key.id), changes)


def _update_account(services: Administration, issued: Issued) -> Awaitable[object]:
    changes = AccountChanges("new", "new@b", "scale", AccountStatus.CLOSED)
    return services.accounts.update(ask(), str(issued.key.account_id), changes)


def _suspend(services: Administration, issued: Issued) -> Awaitable[object]:
    return services.accounts.suspend(ask(), "acme", "")


def _upsert(services: Administration, issued: Issued) -> Awaitable[object]:
    return services.tiers.upsert(ask(), "trial", {"items_max": 7})


def _is_about(issued: Issued, subject: str) -> set[str]:
    names: dict[str, UUID | str] = {
        "key": issued.key.id,
        "account": issued.key.account_id,
        "tier": "trial",
    }
    return {f"{subject} {names[subject]}"}


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        (_rotate, "key"),
        (_revoke, "key"),
        (_revoke_leaked, "key"),
        (_update_key, "key"),
        (_update_account, "account"),
        (_suspend, "account"),
        (_upsert, "tier"),
    ],
)
async def test_a_change_touches_only_what_it_is_about(
    services: Administration,
    issued: Issued,
    connection: asyncpg.Connection,
    change: Change,
    subject: str,
) -> None:
    """Row by row, among a hundred keys of two accounts; a rotation adds one more."""
    await services.accounts.create(ask(), NewAccount("other", "", "trial"), None)
    await connection.execute(_FILL)
    before = await _rows(connection)
    await change(services, issued)
    after = await _rows(connection)
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == _is_about(issued, subject)
    assert len(after) - len(before) == (1 if change is _rotate else 0)
    assert len(before) == 101 + 2 + 4


async def test_issuing_touches_nothing(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """It adds one key."""
    before = await _rows(connection)
    key = (await services.keys.issue(ask(), KeySpec("acme", "k", "dev", (), (), None))).key
    after = await _rows(connection)
    assert after.pop(f"key {key.id}")
    assert after == before
