"""Customers of a running stack: accounts and keys, made the way the product stores them."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Set
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from authz.domain.directory import Endpoint, Enforcement
from authz.service.admin.accounts import NewAccount
from authz.service.admin.keys import KeySpec
from authz.storage.pepper_file import PepperFile
from stack.launch import RunningStack
from stack.plan import database_url
from tests import unencrypted
from tests.administration import Administration, administration, ask
from tests.waiting import wait_until

T = TypeVar("T")


def open_tier(
    stack: RunningStack,
    *,
    requests_per_minute: int = 6000,
    tokens_per_minute: int | None = None,
    tokens_per_month: int | None = None,
    enforcement: Enforcement = Enforcement.ENFORCED,
    endpoints: Set[Endpoint] = frozenset(Endpoint),
    models: Set[str] = frozenset("*"),
) -> str:
    """Make a tier that is like `standard` but for what is said; return its name."""
    name = f"t{uuid4().hex[:12]}"

    async def make(services: Administration) -> None:
        standard = await services.tiers.get("standard")
        limits = {
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute or standard.tokens_per_minute,
            "tokens_per_month": tokens_per_month or standard.tokens_per_month,
            "items_max": standard.items_max,
            "enforcement": enforcement,
            "endpoints": endpoints,
            "models": models,
        }
        await services.tiers.upsert(ask(), name, limits)

    _administer(stack, make)
    return name


def open_account(
    stack: RunningStack,
    *,
    tier: str = "standard",
    expires_at: datetime | None = None,
    requests_per_minute: int = 0,
    tokens_per_minute: int = 0,
) -> str:
    """Make an account with one key; return the key's text, once the stack knows it.

    The limits are the key's own; 0 is none.
    """
    name = f"test {uuid4()}"

    async def make(services: Administration) -> str | None:
        await services.accounts.create(ask(), NewAccount(name, "", tier), None)
        limits = (requests_per_minute, tokens_per_minute)
        spec = KeySpec(name, "test", "test", (), (), expires_at, *limits)
        return (await services.keys.issue(ask(), spec)).secret

    text = _administer(stack, make)
    assert text is not None
    wait_until(lambda: _is_known(stack, text))
    return text


def open_suspended_account(stack: RunningStack) -> str:
    """Make an account that is suspended; return its key's text, once the stack knows that."""
    name = f"test {uuid4()}"

    async def make(services: Administration) -> str | None:
        await services.accounts.create(ask(), NewAccount(name, "", "standard"), None)
        issued = await services.keys.issue(ask(), KeySpec(name, "test", "test", (), (), None))
        await services.accounts.suspend(ask(), name, "a test")
        return issued.secret

    text = _administer(stack, make)
    assert text is not None
    wait_until(lambda: _is_known(stack, text))
    return text


def revoke_key(stack: RunningStack, text: str) -> None:
    """Revoke a key; processes hear of it within moments."""

    async def revoke(services: Administration) -> None:
        assert await services.keys.revoke_leaked(ask(), text, "a test", "a test") is not None

    _administer(stack, revoke)


def _administer(stack: RunningStack, work: Callable[[Administration], Awaitable[T]]) -> T:
    async def administer() -> T:
        peppers = PepperFile(stack.layout.pepper).read()
        with tempfile.TemporaryDirectory() as folder:
            head_file = Path(folder, "head")
            async with administration(database_url(stack.layout), peppers, head_file) as services:
                return await work(services)

    return asyncio.run(administer())


def _is_known(stack: RunningStack, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    return (
        unencrypted.get(f"{stack.base_url}/models", headers=headers, timeout=5).status_code != 401
    )
