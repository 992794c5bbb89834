"""Real parts that several tests share: started on first use, once for the whole run."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from authz.storage.migrate import migrate
from stack import postgres
from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.postgres import Postgres
from stack.spawn import spawn
from tests.authz.logins import make_logins
from tests.contract.model_folder import write_model_folder
from tests.scratch import use_memory
from tests.waiting import wait_until

# A busy machine is no failure, so no property is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

CreateDatabase = Callable[..., Awaitable[str]]
ShareDatabase = Callable[[str], str]

_CREATE: Final = 'CREATE DATABASE "{}" TEMPLATE "{}" STRATEGY FILE_COPY'  # half the time of the log


def pytest_configure() -> None:
    """Choose where temporary files are made."""
    use_memory()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL 18 on a Unix socket, without fsync, for the whole run."""
    with tempfile.TemporaryDirectory(prefix="tessera-pg-") as folder:  # short: a socket goes in it
        server = Postgres(data=Path(folder, "data"), sockets=Path(folder))
        log = Path(folder, "postgres.log")
        step = postgres.initialisation(server, log)
        assert step is not None
        assert step.finish is not None
        assert spawn(step.command, log).wait(timeout_seconds=60) == 0
        step.finish()
        process = postgres.describe(server, log, settings=postgres.DISPOSABLE)
        spawned = spawn(process.command, log, stop_signal=process.stop_signal)
        try:
            wait_until(lambda: postgres.is_ready(server), log.read_text)
            yield server
        finally:
            spawned.stop()
            spawned.wait(timeout_seconds=10)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    """The connection string of the server's own database, to administer it with."""
    return postgres_server.url()


@pytest.fixture
async def create_database(
    postgres_server: Postgres, postgres_url: str
) -> AsyncIterator[CreateDatabase]:
    """Return `create(template="template1")`, which makes a fresh database and returns its URL.

    A database named as template must have no open connections.
    """
    created: list[str] = []

    async def create(template: str = "template1") -> str:
        name = f"test_{next(_NUMBERS)}"
        connection = await asyncpg.connect(postgres_url)
        try:
            await connection.execute(_CREATE.format(name, template))
        finally:
            await connection.close()
        created.append(name)
        return postgres_server.url(name)

    yield create
    connection = await asyncpg.connect(postgres_url)
    try:
        for name in created:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


@pytest.fixture
async def database_url(create_database: CreateDatabase) -> str:
    """The connection string of an empty database of the test's own."""
    return await create_database()


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """A migrated database without connections, to make the tests' own from."""

    async def make() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("CREATE DATABASE authz_template")
        await connection.close()
        connection = await asyncpg.connect(postgres_url, database="authz_template")
        await migrate(connection)
        await make_logins(connection)
        await connection.close()

    asyncio.run(make())
    return "authz_template"


@pytest.fixture
async def migrated_url(create_database: CreateDatabase, template: str) -> str:
    """The connection string of a migrated database of the test's own."""
    return await create_database(template)


@pytest.fixture(scope="session")
def share_database(postgres_server: Postgres, postgres_url: str, template: str) -> ShareDatabase:
    """Return `share(name)`, which makes a migrated database for many tests and returns its URL."""

    async def make(name: str) -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(_CREATE.format(name, template))
        await connection.close()

    def share(name: str) -> str:
        asyncio.run(make(name))
        return postgres_server.url(name)

    return share


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The local model's card and tokenizer."""
    return write_model_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The whole product, for the whole run. A test that breaks a part waits for its repair."""
    with (
        tempfile.TemporaryDirectory(prefix="tessera-") as folder,
        running_stack(Options(state=Path(folder, "state"), port=0)) as running,
    ):
        yield running


_NUMBERS = count(1)
