"""The control plane's services, logged in with the control plane's rights and no more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord
from authz.domain.pepper import Peppers
from authz.service.admin.accounts import NewAccount
from authz.service.admin.keys import Issued, KeySpec
from stack.postgres import Postgres
from tests.administration import Administration, administration, ask
from tests.authz.admin.process_table import ProcessTable
from tests.authz.logins import ADMIN, login_url
from tests.authz.mail.doubles import FakeMailer

FIRST_PEPPER = "5e" * 32
SECOND_PEPPER = "10" * 32
THIRD_PEPPER = "ab" * 32


_DATABASE: Final = "administration"

_KEEP: Final = """
    CREATE SCHEMA kept;
    CREATE TABLE kept.tiers AS SELECT * FROM public.tiers;
    CREATE TABLE kept.changes AS SELECT * FROM public.changes;
"""

_PUT_BACK: Final = """
    SET session_replication_role = replica;
    DELETE FROM audit; DELETE FROM audit_head; DELETE FROM notices; DELETE FROM key_rehashes;
    DELETE FROM key_uses; DELETE FROM keys; DELETE FROM account_tiers;
    DELETE FROM accounts; DELETE FROM peppers;
    DELETE FROM decisions; DELETE FROM traffic_minutes; DELETE FROM usage_minutes;
    DELETE FROM usage_hours;
    DELETE FROM processes; DELETE FROM changes; DELETE FROM tiers;
    INSERT INTO tiers SELECT * FROM kept.tiers;
    INSERT INTO changes SELECT * FROM kept.changes;
"""


@pytest.fixture(scope="session")
def shared_url(postgres_server: Postgres, postgres_url: str, template: str) -> str:
    """One migrated database for all tests here: to make one takes longer than most of them."""

    async def make() -> str:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f'CREATE DATABASE "{_DATABASE}" TEMPLATE "{template}"')
        await connection.close()
        url = postgres_server.url(_DATABASE)
        connection = await asyncpg.connect(url)
        await connection.execute(_KEEP)
        await connection.close()
        return url

    return asyncio.run(make())


@pytest.fixture
async def migrated_url(shared_url: str) -> str:
    """The connection string of that database, as it was when it was migrated."""
    connection = await asyncpg.connect(shared_url)
    await connection.execute(_PUT_BACK)
    await connection.close()
    return shared_url


@pytest.fixture
async def admin_url(migrated_url: str) -> str:
    """The connection string of a log-in that is a member of `tessera_admin`."""
    return await login_url(migrated_url, ADMIN)


@pytest.fixture
def mailer() -> FakeMailer:
    """What takes the mails."""
    return FakeMailer()


@pytest.fixture
def head_file(tmp_path: Path) -> Path:
    """Where the audit's last end is kept."""
    return tmp_path / "head"


@pytest.fixture
async def services(
    admin_url: str, head_file: Path, mailer: FakeMailer
) -> AsyncIterator[Administration]:
    """All services of one admin process, which knows one pepper."""
    peppers = Peppers.parse(FIRST_PEPPER)
    async with administration(admin_url, peppers, head_file, mailer) as services:
        yield services


@pytest.fixture
async def other_process(
    admin_url: str, tmp_path: Path, mailer: FakeMailer
) -> AsyncIterator[Administration]:
    """Another admin process, with a head file of its own, which knows that one pepper too."""
    peppers, head_file = Peppers.parse(FIRST_PEPPER), tmp_path / "other-head"
    async with administration(admin_url, peppers, head_file, mailer) as services:
        yield services


@pytest.fixture
async def acme(services: Administration) -> AccountRecord:
    """An account without keys."""
    new = NewAccount("acme", "ops@acme.example", "standard")
    account, _ = await services.accounts.create(ask(), new, None)
    return account


@pytest.fixture
async def issued(services: Administration, acme: AccountRecord) -> Issued:
    """A key of that account, which may do everything for ever."""
    return await services.keys.issue(ask(), KeySpec("acme", "batch", "prod", (), (), None))


@pytest.fixture
def processes(connection: asyncpg.Connection) -> ProcessTable:
    """The processes that answer checks; at first there are none."""
    return ProcessTable(connection)
