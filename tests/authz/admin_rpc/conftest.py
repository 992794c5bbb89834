"""What most tests of the admin API's wire need."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.authz.admin_rpc.administered import Administered, administered
from tests.authz.admin_rpc.authority import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Who signs the server's certificate and its clients'."""
    return Authority.make()


@pytest.fixture
async def admin(
    migrated_url: str, authority: Authority, tmp_path: Path
) -> AsyncIterator[Administered]:
    """The whole service on a database of its own."""
    async with administered(migrated_url, authority, tmp_path / "head") as running:
        yield running
