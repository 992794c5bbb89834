"""A migrated database per test, and the parts that most tests of authz need."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from authz.domain.pepper import Pepper
from authz.storage.migrate import migrate
from contract.tokens import RequestTokenizer
from tests.contract.model_folder import write_model_folder

# A busy machine is no failure, so no property is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def pepper() -> Pepper:
    """The pepper of every test."""
    return Pepper.parse("5e" * 32)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The local model's card and tokenizer."""
    return write_model_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tokenizer(model_folder: Path) -> RequestTokenizer:
    """The local model's tokenizer, read once."""
    return RequestTokenizer.read(model_folder)


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """A migrated database without connections, to make the tests' own from."""

    async def make() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("CREATE DATABASE authz_template")
        await connection.close()
        connection = await asyncpg.connect(postgres_url, database="authz_template")
        await migrate(connection)
        await connection.close()

    asyncio.run(make())
    return "authz_template"


@pytest.fixture
async def migrated_url(create_database: Callable[[str], Awaitable[str]], template: str) -> str:
    """The connection string of a migrated database of the test's own."""
    return await create_database(template)


@pytest.fixture
async def connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection to that database."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    connection.terminate()
