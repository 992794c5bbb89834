"""The control plane's services, logged in with the control plane's rights and no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord
from authz.domain.pepper import Peppers
from authz.service.admin.accounts import NewAccount
from authz.service.admin.keys import Issued, KeySpec
from tests.administration import Administration, administration, ask
from tests.authz.admin.process_table import ProcessTable
from tests.authz.mail.doubles import FakeMailer
from tests.authz.shared_database import SharedDatabase

FIRST_PEPPER = "5e" * 32
SECOND_PEPPER = "10" * 32
THIRD_PEPPER = "ab" * 32


@pytest.fixture
async def migrated_url(shared_database: SharedDatabase) -> str:
    """The connection string of a database that all tests here share, as new."""
    return await shared_database.as_kept()


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
