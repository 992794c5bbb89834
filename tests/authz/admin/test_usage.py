"""What was used, as whoever administers asks for it."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from authz.domain.administration.paging import make_token
from authz.domain.administration.records import AccountRecord, PageRequest
from authz.domain.administration.refusals import InvalidFieldsError, NotFoundError
from authz.domain.reports.buckets import Width
from authz.domain.reports.usage import Dimension, Group, UsageRow
from authz.domain.undecided import DatabaseError
from authz.service.admin.accounts import NewAccount
from authz.service.admin.keys import Issued, KeySpec
from authz.service.admin.usage import UsageQuestion
from tests.administration import Administration, ask
from tests.authz.used import Used, put_old_hour, put_usage

_NOW: Final = datetime.now(UTC)
_TODAY: Final = _NOW.replace(hour=0, minute=0, second=0, microsecond=0)
_DAY: Final = timedelta(days=1)
_ALL: Final = UsageQuestion("", "", "", Width.DAY, _TODAY - _DAY, None, ())
_EVERYTHING: Final = (Dimension.ACCOUNT, Dimension.KEY, Dimension.MODEL)


@pytest.fixture(autouse=True)
async def _nothing_was_used(connection: asyncpg.Connection) -> AsyncIterator[None]:
    yield
    await connection.execute("TRUNCATE usage_minutes, usage_hours")


async def _read(
    services: Administration, question: UsageQuestion, now: datetime = _NOW
) -> tuple[UsageRow, ...]:
    page, _ = await services.usage.get(question, PageRequest(1000), now)
    assert page.next_token is None
    return page.items


async def test_usage_is_summed_up_as_is_asked(
    services: Administration,
    acme: AccountRecord,
    issued: Issued,
    connection: asyncpg.Connection,
) -> None:
    """Over everything, or told apart; names come with it."""
    other = uuid4()
    key_id = issued.key.id
    await put_usage(
        connection,
        Used(_TODAY, acme.id, key_id, 3, 30, 2, 1, 10),
        Used(_TODAY, acme.id, uuid4(), 4, 40, model="b"),
        Used(_TODAY, other, uuid4(), 5, 50),
    )
    [row] = await _read(services, _ALL)
    figures = row.figures
    assert (figures.requests, figures.tokens, figures.failures) == (11, 110, 2)
    assert (figures.refunded_requests, figures.refunded_tokens) == (1, 10)
    assert row.group == Group(None, None, None)
    by_account = await _read(services, replace(_ALL, by=(Dimension.ACCOUNT,)))
    found = {each.group.account_id: each.figures.requests for each in by_account}
    assert found == {acme.id: 6, other: 5}
    by_model = await _read(services, replace(_ALL, by=(Dimension.MODEL,)))
    assert [each.figures.requests for each in by_model] == [4, 7]
    page, names = await services.usage.get(
        replace(_ALL, account="acme", by=(Dimension.KEY,)), PageRequest(10), _NOW
    )
    assert {each.group.account_id for each in page.items} == {acme.id}
    assert (names.accounts, names.keys) == ({acme.id: "acme"}, {key_id: "batch"})


async def test_one_accounts_usage_holds_nobody_elses(
    services: Administration,
    acme: AccountRecord,
    issued: Issued,
    connection: asyncpg.Connection,
) -> None:
    """By its name or id, by a key, by a model; nor does a key of another account."""
    await services.accounts.create(ask(), NewAccount("zenith", "z@z.example", "standard"), None)
    zeniths = await services.keys.issue(ask(), KeySpec("zenith", "z", "prod", (), (), None))
    await put_usage(
        connection,
        Used(_TODAY, acme.id, issued.key.id, 3, 30),
        Used(_TODAY, zeniths.key.account_id, zeniths.key.id, 5, 50, model="b"),
    )
    narrow = (
        replace(_ALL, account="acme"),
        replace(_ALL, account=str(acme.id)),
        replace(_ALL, key_id=str(issued.key.id)),
        replace(_ALL, account="zenith", model=""),
        replace(_ALL, model="b"),
    )
    found = [(await _read(services, each))[0].figures.tokens for each in narrow]
    assert found == [30, 30, 30, 50, 50]
    with pytest.raises(NotFoundError):
        await _read(services, replace(_ALL, account="acme", key_id=str(zeniths.key.id)))
    for missing in (replace(_ALL, account="nobody"), replace(_ALL, key_id=str(uuid4()))):
        with pytest.raises(NotFoundError):
            await _read(services, missing)


@pytest.mark.parametrize("width", list(Width))
async def test_a_bucket_begins_and_ends_where_the_calendar_says(
    services: Administration, connection: asyncpg.Connection, width: Width
) -> None:
    """In UTC, whatever zone the session is in; the first moment of the next is not in it."""
    starts = {
        Width.MINUTE: (_NOW - timedelta(hours=3)).replace(second=0, microsecond=0),
        Width.HOUR: (_NOW - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0),
        Width.DAY: _TODAY - 2 * _DAY,
        Width.MONTH: datetime(2025, 2, 1, tzinfo=UTC),
    }
    lengths = {
        Width.MINUTE: timedelta(minutes=1),
        Width.HOUR: timedelta(hours=1),
        Width.DAY: _DAY,
        Width.MONTH: timedelta(days=28),
    }
    start, end = starts[width], starts[width] + lengths[width]
    put = put_old_hour if width is Width.MONTH else put_usage
    step = timedelta(minutes=1) if width is Width.MINUTE else timedelta(hours=1)
    for tokens, moment in ((1, start - step), (10, start), (100, end - step), (1000, end)):
        await put(connection, Used(moment, uuid4(), uuid4(), tokens=tokens))
    rows = await _read(services, replace(_ALL, width=width, start=start, end=end))
    expected = 10 if width in {Width.MINUTE, Width.HOUR} else 110
    if width in {Width.MINUTE, Width.HOUR}:
        expected += 100 if end - step == start else 0
    assert [(row.bucket, row.figures.tokens) for row in rows] == [(start, expected)]


async def test_pages_are_stable_while_more_is_used(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """Every row that was there when the first page was read comes once, and none comes twice."""
    groups = [(_TODAY - days * _DAY, uuid4(), uuid4()) for days in (0, 1) for _ in range(5)]
    await put_usage(connection, *(Used(*each) for each in groups))
    question = replace(_ALL, by=_EVERYTHING)
    seen, token, now = [], None, _NOW
    for _ in range(20):
        page, _ = await services.usage.get(question, PageRequest(3, token), now)
        seen += [(row.bucket, row.group.account_id, row.group.key_id) for row in page.items]
        if page.next_token is None:
            break
        token, now = page.next_token, now + _DAY
        await put_usage(connection, Used(_TODAY - 2 * _DAY, uuid4(), uuid4()))
        await put_usage(connection, Used(_TODAY + _DAY, uuid4(), uuid4()))
    assert seen == sorted(groups)


async def test_a_page_is_of_the_question_that_it_was_made_for(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """A token with another question, or of another's making, is refused."""
    await put_usage(connection, *(Used(_TODAY, uuid4(), uuid4()) for _ in range(2)))
    question = replace(_ALL, by=(Dimension.KEY,))
    page, _ = await services.usage.get(question, PageRequest(1), _NOW)
    assert page.next_token is not None
    name, position = json.loads(base64.urlsafe_b64decode(page.next_token))
    end, bucket, *group = json.loads(position)
    for token, asked in (
        (page.next_token, replace(question, model="b")),
        (page.next_token, replace(question, start=_TODAY)),
        ("bm90aGluZw==", question),
        (make_token(name, json.dumps([end, bucket])), question),
        (make_token(name, json.dumps([end, bucket - 7 * 86_400, *group])), question),
        (make_token(name, json.dumps([end + 86_400, bucket, *group])), question),
    ):
        with pytest.raises(InvalidFieldsError) as caught:
            await services.usage.get(asked, PageRequest(1, token), _NOW)
        assert caught.value.violations[0].field == "page_token"


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (replace(_ALL, end=_TODAY - _DAY), "end_time"),
        (replace(_ALL, start=_NOW - 36 * _DAY, width=Width.MINUTE), "start_time"),
        (replace(_ALL, start=_NOW - 2 * _DAY, width=Width.MINUTE), "start_time"),
        (replace(_ALL, start=_NOW - 32 * _DAY, width=Width.HOUR), "start_time"),
        (replace(_ALL, start=_NOW - 367 * _DAY), "start_time"),
        (replace(_ALL, start=datetime(1, 1, 1, tzinfo=UTC), width=Width.MONTH), "start_time"),
        (replace(_ALL, model="a\0b"), "model"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    services: Administration, question: UsageQuestion, field: str
) -> None:
    """By the field that is wrong: too much at once, minutes that are gone, an end at the start."""
    with pytest.raises(InvalidFieldsError) as caught:
        await _read(services, question)
    assert [each.field for each in caught.value.violations] == [field]


async def test_room_is_made_for_usage_to_come_and_old_minutes_are_dropped(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """With the control plane's rights; hours are kept."""
    await connection.execute(
        """
        CREATE TABLE usage_minutes_2020_01_01 PARTITION OF usage_minutes
           FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z');
        """
    )
    tomorrow = (_TODAY + _DAY).strftime("usage_minutes_%Y_%m_%d")
    await connection.execute(f"DROP TABLE {tomorrow}")
    before = await _partitions(connection, "usage_hours")
    await services.partitions.keep()
    kept = await _partitions(connection, "usage_minutes")
    assert tomorrow in kept
    assert "usage_minutes_2020_01_01" not in kept
    assert await _partitions(connection, "usage_hours") == before


async def test_room_that_could_not_be_made_is_counted(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """Somebody has days to look after it, and a metric to learn it from."""
    await connection.execute("ALTER FUNCTION make_usage_partitions() RENAME TO gone")
    try:
        with pytest.raises(DatabaseError):
            await services.partitions.keep()
    finally:
        await connection.execute("ALTER FUNCTION gone() RENAME TO make_usage_partitions")
    failed = services.registry.get_sample_value("tessera_usage_partitions_failed_total")
    assert failed == 1


async def test_what_cannot_be_dropped_keeps_no_room_from_being_made(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """A table that is always read has no moment to drop a part of it in."""
    missing = (_TODAY + _DAY).strftime("decisions_%Y_%m_%d")
    await connection.execute(f"DROP TABLE {missing}")
    await connection.execute("ALTER FUNCTION drop_usage_partitions() RENAME TO gone")
    try:
        with pytest.raises(DatabaseError):
            await services.partitions.keep()
    finally:
        await connection.execute("ALTER FUNCTION gone() RENAME TO drop_usage_partitions")
    assert missing in await _partitions(connection, "decisions")


async def _partitions(connection: asyncpg.Connection, table: str) -> set[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass",
        table,
    )
    return {row["name"] for row in rows}
