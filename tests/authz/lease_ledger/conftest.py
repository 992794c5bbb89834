"""The ledger as a process has it: with the rights of the data plane and no more."""

import asyncpg
import pytest

from authz.domain.quota.lease_messages import BudgetId
from authz.storage.lease_ledger import LeaseLedger
from tests.authz.lease_ledger.asks import LIMITS, RULES
from tests.authz.lease_ledger.stored import make_account
from tests.authz.logins import DATA, login_url


@pytest.fixture
def data_url(migrated_url: str) -> str:
    """The connection string of such a process."""
    return login_url(migrated_url, DATA)


@pytest.fixture
def ledger(data_url: str) -> LeaseLedger:
    """The ledger."""
    return LeaseLedger(data_url, 4, 10, RULES)


@pytest.fixture
async def account(connection: asyncpg.Connection) -> BudgetId:
    """An account that has used nothing."""
    return await make_account(connection, LIMITS)
