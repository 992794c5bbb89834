"""Customers of a running stack: accounts and keys, made the way the product stores them."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Set
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx

from authz.domain.directory import Endpoint
from authz.domain.new_key import NewKey
from authz.domain.pepper import Pepper
from authz.storage import accounts
from contract.keys import mint_key
from stack.launch import RunningStack
from stack.plan import database_url
from tests.waiting import wait_until

_INSERT_TIER: Final = """
    INSERT INTO tiers (name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max,
                       endpoints, models)
    SELECT $1, $2, tokens_per_minute, tokens_per_month, items_max, $3, $4
      FROM tiers WHERE name = 'standard'
"""


def open_tier(
    stack: RunningStack,
    *,
    requests_per_minute: int = 6000,
    endpoints: Set[Endpoint] = frozenset(Endpoint),
    models: Set[str] = frozenset("*"),
) -> str:
    """Make a tier that is like `standard` but for what is said; return its name."""
    name = f"t{uuid4().hex[:12]}"
    arguments = (name, requests_per_minute, sorted(endpoints), sorted(models))
    _run(stack, lambda connection: connection.execute(_INSERT_TIER, *arguments))
    return name


def open_account(
    stack: RunningStack, *, tier: str = "standard", expires_at: datetime | None = None
) -> str:
    """Make an account with one key; return the key's text, once the stack knows it."""
    text = mint_key(secrets.randbelow)
    pepper = Pepper.parse(stack.layout.pepper.read_text())
    key = NewKey.describe(text, pepper, name="test", environment="test", expires_at=expires_at)

    async def make(connection: asyncpg.Connection) -> None:
        account = await accounts.ensure_account(connection, f"test {uuid4()}", tier)
        await accounts.insert_key(connection, account, key)

    _run(stack, make)
    wait_until(lambda: _is_known(stack, text))
    return text


def revoke_key(stack: RunningStack, text: str) -> None:
    """Revoke a key; processes hear of it within moments."""
    digest = Pepper.parse(stack.layout.pepper.read_text()).digest_key(text)

    async def revoke(connection: asyncpg.Connection) -> None:
        key_id = await connection.fetchval("SELECT id FROM keys WHERE digest = $1", digest)
        await accounts.revoke_keys(connection, [key_id])

    _run(stack, revoke)


def _run(
    stack: RunningStack, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, object]]
) -> None:
    async def connected() -> None:
        connection = await asyncpg.connect(database_url(stack.layout), timeout=10)
        try:
            await work(connection)
        finally:
            await connection.close()

    asyncio.run(connected())


def _is_known(stack: RunningStack, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{stack.base_url}/models", headers=headers, timeout=5).status_code != 401
