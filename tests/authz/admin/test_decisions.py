"""Why requests were refused, for whoever administers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from authz.domain.administration.paging import make_token
from authz.domain.administration.records import AccountRecord, Page, PageRequest
from authz.domain.administration.refusals import InvalidFieldsError, NotFoundError
from authz.domain.decision import Decision, Ruling
from authz.domain.directory import AccountId, KeyId
from authz.domain.undecided import DatabaseError
from authz.service.admin.accounts import NewAccount
from authz.service.admin.decisions import DecisionFilter
from authz.service.admin.keys import Issued
from authz.storage.decision_table import DecisionTable
from authz.storage.short_statements import ShortStatements
from tests.administration import Administration, ask
from tests.authz.decisions.samples import decision, request_id
from tests.authz.logins import DATA, login_url

_NOW: Final = datetime.now(UTC)
_ALL: Final = PageRequest(100)


@pytest.fixture
async def table(migrated_url: str) -> DecisionTable:
    """Where processes throw decisions into."""
    return DecisionTable(ShortStatements(login_url(migrated_url, DATA), 1, 20))


def _made(number: int, **changes: object) -> Decision:
    made = decision(number, **changes)
    return replace(made, place=replace(made.place, at=_NOW - timedelta(minutes=number)))


def _of(key: Issued, number: int, **changes: object) -> Decision:
    return replace(_made(number, **changes), account_id=key.key.account_id, key_id=key.key.id)


async def _write(table: DecisionTable, *decisions: Decision) -> None:
    await table.write({each.asked.request_id: each for each in decisions})


async def _numbers(
    services: Administration, wanted: DecisionFilter, page: PageRequest = _ALL
) -> list[int]:
    found, _ = await services.decisions.list(wanted, page)
    return _read_numbers(found)


def _read_numbers(page: Page[Decision]) -> list[int]:
    return [int(each.asked.request_id.removeprefix("req_"), 16) for each in page.items]


async def test_a_decision_comes_with_the_names_of_whose_it_was(
    services: Administration, issued: Issued, table: DecisionTable
) -> None:
    """As they are now."""
    await _write(table, _of(issued, 1))
    found, names = await services.decisions.explain(request_id(1))
    assert found == _of(issued, 1)
    assert names.accounts == {issued.key.account_id: "acme"}
    assert names.keys == {issued.key.id: "batch"}


async def test_a_decision_about_what_is_gone_is_still_told(
    services: Administration, table: DecisionTable
) -> None:
    """Or about nobody."""
    gone = _made(1, account_id=AccountId(uuid4()), key_id=KeyId(uuid4()))
    await _write(table, gone, _made(2, account_id=None, key_id=None, evidence=None))
    for number in (1, 2):
        _, names = await services.decisions.explain(request_id(number))
        assert (names.accounts, names.keys) == ({}, {})


async def test_an_id_of_which_nothing_is_kept_is_not_found(services: Administration) -> None:
    """It names a decision, so that whoever asks can be told what that may mean."""
    with pytest.raises(NotFoundError) as caught:
        await services.decisions.explain(request_id(1))
    assert (caught.value.kind, caught.value.name) == ("decision", request_id(1))


@pytest.mark.parametrize("text", ["", "req_1", "req_" + "g" * 32, "req_" + "\0" * 32])
async def test_what_is_no_requests_id_is_refused(services: Administration, text: str) -> None:
    """Before the database is asked."""
    with pytest.raises(InvalidFieldsError, match="id: is not a request's id"):
        await services.decisions.explain(text)


async def test_decisions_are_listed_by_what_they_have(
    services: Administration, issued: Issued, table: DecisionTable
) -> None:
    """The newest first."""
    await _write(
        table,
        _of(issued, 1),
        replace(_of(issued, 2), key_id=KeyId(uuid4())),
        _of(issued, 3, reason="month_spent"),
        _of(issued, 4, ruling=Ruling.SHADOW),
        _made(5),
    )
    key_id = str(issued.key.id)
    assert await _numbers(services, DecisionFilter()) == [1, 2, 3, 4, 5]
    assert await _numbers(services, DecisionFilter(account="acme")) == [1, 2, 3, 4]
    assert await _numbers(services, DecisionFilter(key_id=key_id)) == [1, 3, 4]
    assert await _numbers(services, DecisionFilter(account="acme", key_id=key_id)) == [1, 3, 4]
    assert await _numbers(services, DecisionFilter(reason="month_spent")) == [3]
    assert await _numbers(services, DecisionFilter(ruling=Ruling.SHADOW)) == [4]
    since, until = _NOW - timedelta(minutes=4), _NOW - timedelta(minutes=2)
    assert await _numbers(services, DecisionFilter(start=since, end=until)) == [3, 4]


async def test_pages_follow_each_other_without_a_gap(
    services: Administration, table: DecisionTable
) -> None:
    """Also where decisions fell in the same microsecond."""
    await _write(table, *(replace(_made(n), place=_made(n // 3).place) for n in range(7)))
    read: list[int] = []
    token = None
    while True:
        page, _ = await services.decisions.list(DecisionFilter(), PageRequest(2, token))
        read += _read_numbers(page)
        token = page.next_token
        if token is None:
            break
    assert read == [2, 1, 0, 5, 4, 3, 6]


@pytest.mark.parametrize("position", ["", "x", "2026-01-01 req_1", "2026-01-01T00:00:00+00:00 \0"])
async def test_a_position_that_was_not_made_here_is_refused(
    services: Administration, position: str
) -> None:
    """Whatever it is."""
    token = make_token(repr(DecisionFilter()), position)
    with pytest.raises(InvalidFieldsError, match="page_token"):
        await services.decisions.list(DecisionFilter(), PageRequest(2, token))


async def test_a_token_of_another_list_is_refused(
    services: Administration, table: DecisionTable
) -> None:
    """Its place is in that one alone."""
    await _write(table, _made(1), _made(2))
    page, _ = await services.decisions.list(DecisionFilter(), PageRequest(1))
    with pytest.raises(InvalidFieldsError, match="page_token"):
        await services.decisions.list(DecisionFilter(reason="x"), PageRequest(1, page.next_token))


async def test_a_list_of_whom_there_is_not_is_refused(
    services: Administration, issued: Issued, acme: AccountRecord
) -> None:
    """And so is a key of another account."""
    await services.accounts.create(ask(), NewAccount("other", "", "standard"), None)
    for wanted in (
        DecisionFilter(account="nobody"),
        DecisionFilter(key_id=str(uuid4())),
        DecisionFilter(account="other", key_id=str(issued.key.id)),
    ):
        with pytest.raises(NotFoundError):
            await services.decisions.list(wanted, _ALL)
    with pytest.raises(InvalidFieldsError, match="reason"):
        await services.decisions.list(DecisionFilter(reason="\0"), _ALL)


async def test_house_is_kept_for_decisions_too(
    services: Administration, table: DecisionTable, connection: asyncpg.Connection
) -> None:
    """What there will be has room before it is needed."""
    await connection.execute(f"DROP TABLE decisions_{_NOW:%Y_%m_%d}")
    with pytest.raises(DatabaseError):
        await _write(table, _made(0))
    await services.partitions.keep()
    await _write(table, _made(0))
    assert await _numbers(services, DecisionFilter()) == [0]
