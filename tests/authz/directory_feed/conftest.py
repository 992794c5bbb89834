"""A feed, and what it reads."""

import asyncpg
import pytest

from authz.domain.directory import (
    AccountId,
    KeyId,
)
from authz.domain.pepper import Pepper
from authz.storage.directory_feed import DirectoryFeed
from tests.authz import accounts
from tests.authz.directory_feed.feeds import describe, make_feed


@pytest.fixture
def feed(migrated_url: str, pepper: Pepper) -> DirectoryFeed:
    """The feed of the test's own database."""
    return make_feed(migrated_url, pepper)


@pytest.fixture
async def account_id(connection: asyncpg.Connection) -> AccountId:
    """An account on the trial tier."""
    return await accounts.ensure_account(connection, "acme", "trial")


@pytest.fixture
async def key_id(connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper) -> KeyId:
    """A key of that account."""
    return await accounts.insert_key(connection, account_id, describe(pepper))
