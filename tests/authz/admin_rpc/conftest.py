"""What most tests of the admin API's wire need."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.authz.admin_rpc.administered import Administered, administered
from tests.authz.admin_rpc.authority import Authority
from tests.authz.shared_database import SharedDatabase


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Who signs the server's certificate and its clients'."""
    return Authority.make()


@pytest.fixture
async def migrated_url(shared_database: SharedDatabase) -> str:
    """The connection string of a database that all tests here share, as new."""
    return await shared_database.as_kept()


@pytest.fixture
async def admin(
    migrated_url: str, authority: Authority, tmp_path: Path
) -> AsyncIterator[Administered]:
    """The whole service on that database."""
    async with administered(migrated_url, authority, tmp_path / "head") as running:
        yield running
