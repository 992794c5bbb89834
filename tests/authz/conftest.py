"""A migrated database per test, and the parts that most tests of authz need."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from authz.domain.pepper import Pepper
from contract.tokens import RequestTokenizer
from tests.authz.desk import Desk
from tests.authz.logins import ADMIN, login_url
from tests.authz.shared_database import SharedDatabase
from tests.conftest import ShareDatabase


@pytest.fixture(scope="session")
def pepper() -> Pepper:
    """The pepper of every test."""
    return Pepper.parse("5e" * 32)


@pytest.fixture(scope="session")
def tokenizer(model_folder: Path) -> RequestTokenizer:
    """The local model's tokenizer, read once."""
    return RequestTokenizer.read(model_folder)


@pytest.fixture
def desk(pepper: Pepper, tokenizer: RequestTokenizer) -> Desk:
    """A checker for a key that may do everything."""
    return Desk(pepper, tokenizer)


@pytest.fixture(scope="session")
def shared_database(share_database: ShareDatabase) -> SharedDatabase:
    """One database for folders whose tests take less time than to make one."""
    return asyncio.run(SharedDatabase.keep(share_database("shared")))


@pytest.fixture
def admin_url(migrated_url: str) -> str:
    """The connection string of a log-in that is a member of `tessera_admin`."""
    return login_url(migrated_url, ADMIN)


@pytest.fixture
async def connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection to that database."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    connection.terminate()
