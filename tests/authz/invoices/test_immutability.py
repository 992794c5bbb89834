"""What is finished stays, by plain SQL and whoever sends it."""

from datetime import UTC, datetime
from typing import Final

import asyncpg
import pytest

from tests.authz.invoices.books import Books
from tests.authz.logins import ADMIN, DATA, login

_CHANGES: Final = (
    "UPDATE invoices SET total_minor_units = 0",
    "UPDATE invoices SET account_name = account_name",
    "DELETE FROM invoices",
    "TRUNCATE invoices CASCADE",
    "UPDATE invoice_lines SET amount_minor_units = 0",
    "DELETE FROM invoice_lines",
    "TRUNCATE invoice_lines",
    "UPDATE prices SET base_fee_minor_units = 0",
    "DELETE FROM prices",
    "TRUNCATE prices",
    "INSERT INTO prices TABLE prices ON CONFLICT (tier, valid_from) DO UPDATE SET currency = 'X'",
)
"""Each would be let through where nothing kept it."""

_ADD_LINE: Final = """
    INSERT INTO invoice_lines (number, position, kind, usage_month, tokens, overage_tokens,
                               amount_minor_units, description)
    SELECT number, 9, kind, usage_month, 0, 0, {amount}, '' FROM invoice_lines WHERE position = 1
"""

_ADD_INVOICE: Final = """
    INSERT INTO invoices
    SELECT format('T-%s-%s', year, lpad('{sequence}', 6, '0')), year, {sequence}, 'supplement',
           account_id, account_name, month, currency, {total}, 1, NULL, NULL, NULL, NULL, NULL,
           NULL, request_id, finalized_at, finalized_by
      FROM invoices
"""

_ADD_MONTH_AGAIN: Final = """
    INSERT INTO invoices
    SELECT format('T-%s-000002', year), year, 2, kind, account_id, account_name, month, currency,
           total_minor_units, lines, tier, base_fee_minor_units, included_tokens,
           overage_micros_per_million_tokens, corrects, reason, request_id, finalized_at,
           finalized_by
      FROM invoices
"""


@pytest.fixture
async def finished(books: Books) -> Books:
    """Books with a price and one finished invoice."""
    await books.open_account()
    await books.set_price()
    await books.finalize()
    return books


@pytest.mark.parametrize("statement", _CHANGES)
async def test_no_role_changes_what_is_finished(
    finished: Books, migrated_url: str, statement: str
) -> None:
    """Neither the processes' roles, which may not, nor the schema's owner, who might slip."""
    for role in (DATA, ADMIN):
        async with login(migrated_url, role) as other:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await other.execute(statement)
    with pytest.raises(asyncpg.RaiseError, match="is only ever added to"):
        await finished.connection.execute(statement)


@pytest.mark.parametrize("amount", [0, -100])
async def test_a_line_that_is_added_later_is_refused(
    finished: Books, migrated_url: str, amount: int
) -> None:
    """Even one that changes no total, and by who may add invoices."""
    async with login(migrated_url, ADMIN) as admin:
        for connection in (admin, finished.connection):
            with pytest.raises(asyncpg.RaiseError, match="not what it was finished with"):
                await connection.execute(_ADD_LINE.format(amount=amount))


async def test_an_invoice_without_its_lines_is_refused(finished: Books) -> None:
    """Whatever total it names."""
    statement = _ADD_INVOICE.format(sequence=2, total=0)
    with pytest.raises(asyncpg.RaiseError, match="not what it was finished with"):
        await finished.connection.execute(statement)


@pytest.mark.parametrize("sequence", [1, 3])
async def test_a_number_that_is_not_the_next_is_refused(finished: Books, sequence: int) -> None:
    """Neither one that is taken, nor one that leaves a gap."""
    statement = _ADD_INVOICE.format(sequence=sequence, total=0)
    year = datetime.now(UTC).year
    with pytest.raises(asyncpg.RaiseError, match=f"the next invoice of {year} is number 2"):
        await finished.connection.execute(statement)


async def test_a_month_is_billed_once(finished: Books) -> None:
    """Under another number, too."""
    with pytest.raises(asyncpg.UniqueViolationError, match="invoices_month_once"):
        await finished.connection.execute(_ADD_MONTH_AGAIN)


async def test_the_history_of_tiers_is_nobodys_to_write(finished: Books, migrated_url: str) -> None:
    """It decides what a month costs; only a changed account adds to it."""
    async with login(migrated_url, ADMIN) as admin:
        assert await admin.fetchval("SELECT count(*) FROM account_tiers") == 1
        for statement in (
            "INSERT INTO account_tiers SELECT * FROM account_tiers",
            "UPDATE account_tiers SET tier = 'trial'",
            "DELETE FROM account_tiers",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await admin.execute(statement)
        await admin.execute("UPDATE accounts SET tier = 'trial'")
        assert await admin.fetchval("SELECT count(*) FROM account_tiers") == 2
