"""The HTTP of usage, in the test's own process, on a real database with the data plane's rights."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from authz.rpc.reports.app import build_app
from authz.rpc.reports.metrics import ReportMetrics
from authz.service.reports.places import Places
from authz.service.reports.usage_pages import UsagePages
from authz.storage.usage_reports import UsageReports
from contract.headers import ACCOUNT
from tests.authz.logins import DATA, login_url
from tests.conftest import ShareDatabase

PATH = "/v1/organization/usage/embeddings"


@dataclass(slots=True)
class Reports:
    """An account that asks, and the clock that it is answered by."""

    client: httpx.AsyncClient
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    account_id: UUID = field(default_factory=uuid4)

    async def ask(self, **query: Any) -> httpx.Response:  # noqa: ANN401 whatever a query holds
        """Ask for usage; a list is a parameter that is repeated."""
        headers = {ACCOUNT: str(self.account_id)}
        return await self.client.get(PATH, params=query, headers=headers)

    async def page(self, **query: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask for a page that there is."""
        answer = await self.ask(**query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page


@pytest.fixture(scope="module")
def shared_url(share_database: ShareDatabase) -> str:
    """One migrated database for all tests of a module: each asks as an account of its own."""
    return share_database(f"reports_{uuid4().hex}")


@pytest.fixture
def migrated_url(shared_url: str) -> str:
    """The connection string of that database."""
    return shared_url


@pytest.fixture
def rows_max() -> int:
    """How many results a page may have."""
    return 10_000


@pytest.fixture
async def reports(migrated_url: str, rows_max: int) -> AsyncIterator[Reports]:
    """The application as the process serves it."""
    reader = UsageReports(login_url(migrated_url, DATA), 2, 5.0)
    pages = UsagePages(reader, Places(), lambda: asking.now, rows_max)
    app = build_app(pages, reader.ping, ReportMetrics(), lambda: 1.0)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://report") as client:
        asking = Reports(client)
        yield asking
    reader.close()
