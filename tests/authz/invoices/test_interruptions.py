"""Finishing that is interrupted, or told to nobody, and is asked for again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from authz.domain.administration.refusals import PreconditionError
from authz.domain.undecided import DatabaseError
from authz.service.admin.invoicing import MonthStep
from tests.administration import ask
from tests.authz.admin.losing_proxy import LosingProxy, losing_proxy
from tests.authz.invoices.books import MONTH, Books, keep_books

_CUT: Final = """
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        PERFORM pg_terminate_backend(pg_backend_pid());
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON {table}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut();
"""


@pytest.fixture
async def proxy(admin_url: str) -> AsyncIterator[LosingProxy]:
    """What stands between the services and the database."""
    async with losing_proxy(admin_url) as proxy:
        yield proxy


@pytest.fixture
async def remote(
    proxy: LosingProxy, connection: asyncpg.Connection, tmp_path: Path
) -> AsyncIterator[Books]:
    """Services that reach the database through it."""
    async with keep_books(proxy.url, connection, tmp_path / "remote-head") as books:
        yield books


@asynccontextmanager
async def _cut(connection: asyncpg.Connection, table: str) -> AsyncIterator[None]:
    """End every connection as it commits, after it has written to a table."""
    await connection.execute(_CUT.format(table=table))
    try:
        yield
    finally:
        await connection.execute("DROP FUNCTION cut CASCADE")


async def _finalize_all(books: Books, content: str = "") -> list[MonthStep]:
    steps = books.invoicing.finalize_month(ask(content=content), str(MONTH))
    return [step async for step in steps]


@pytest.mark.parametrize("table", ["invoices", "invoice_lines", "audit"])
async def test_what_was_not_committed_leaves_neither_invoice_nor_gap(
    books: Books, table: str
) -> None:
    """Cut after any of its steps; the same request then finishes it under the first number."""
    await books.open_account()
    await books.set_price()
    change = ask()
    async with _cut(books.connection, table):
        with pytest.raises(DatabaseError):
            await books.invoicing.finalize(change, "acme", str(MONTH), accept_warning=False)
    assert await books.numbers() == []
    [invoice] = await books.invoicing.finalize(change, "acme", str(MONTH), accept_warning=False)
    assert invoice.number.endswith("-000001")


async def test_a_commit_whose_answer_was_lost_is_found_by_its_request_id(
    books: Books, remote: Books, proxy: LosingProxy
) -> None:
    """At the next attempt, of itself or of the caller."""
    await books.open_account()
    await books.set_price()
    proxy.commits_to_lose = 1
    first = await remote.finalize()
    change, proxy.commits_to_lose = ask(), 2
    month = str(MONTH.plus(1))
    with pytest.raises(DatabaseError):
        await remote.invoicing.finalize(change, "acme", month, accept_warning=False)
    [second] = await remote.invoicing.finalize(change, "acme", month, accept_warning=False)
    assert await books.numbers() == [first.number, second.number]


async def test_a_month_is_finished_for_everybody(books: Books) -> None:
    """But for those that somebody should look at, who are told why; the rest has nothing to pay."""
    for name in ("a", "b", "c", "d"):
        await books.open_account(name)
    await books.open_account("closed", status="closed")
    await books.open_account("trial", "trial")
    await books.use(await books.open_account("unusual"), 10**12)
    await books.set_price()
    await books.finalize("b")
    steps = await _finalize_all(books)
    assert [step.account_name for step in steps] == ["a", "c", "d", "trial", "unusual"]
    assert [len(step.invoices) for step in steps] == [1, 1, 1, 0, 0]
    assert [str(step.left_because).partition(":")[0] for step in steps[3:]] == [
        f"There is no price for tier trial in {MONTH}.",
        "More than 3 times the month before",
    ]
    assert len(await books.numbers()) == 4


async def test_a_month_that_was_interrupted_goes_on_with_what_is_left(books: Books) -> None:
    """By the same request or by another; nobody is billed twice."""
    for name in ("a", "b", "c", "d", "e"):
        await books.open_account(name)
    await books.set_price()
    change = ask()
    steps = books.invoicing.finalize_month(change, str(MONTH))
    await anext(steps)
    async with _cut(books.connection, "invoices"):
        with pytest.raises(DatabaseError):
            await anext(steps)
    rest = [step async for step in books.invoicing.finalize_month(change, str(MONTH))]
    assert [step.account_name for step in rest] == ["b", "c", "d", "e"]
    assert len(await books.numbers()) == 5
    assert await _finalize_all(books) == []


async def test_two_who_finish_the_same_month_at_once_bill_nobody_twice(
    books: Books, other_books: Books
) -> None:
    """Who comes second to an account finds it done, and tells nothing of it."""
    names = ["a", "b", "c", "d", "e", "f"]
    for name in names:
        await books.open_account(name)
    await books.set_price()
    both = await asyncio.gather(_finalize_all(books), _finalize_all(other_books))
    steps = [step for each in both for step in each]
    assert sorted(step.account_name for step in steps) == names
    assert {len(step.invoices) for step in steps} == {1}
    assert len(await books.numbers()) == len(names)


async def test_an_audit_that_was_cut_stops_a_month(books: Books) -> None:
    """It is no reason to leave an account and go on with the next."""
    await books.open_account("a")
    await books.set_price()
    await books.connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_kept")
    await books.connection.execute("DELETE FROM audit")
    await books.connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_kept")
    with pytest.raises(PreconditionError, match="audit"):
        await _finalize_all(books)
