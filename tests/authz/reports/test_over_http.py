"""`GET /v1/organization/usage/embeddings`: an account's own usage, as OpenAI tells it."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from authz.service.reports.places import REPORTS_OF_AN_ACCOUNT_MAX
from contract import errors
from tests.authz.reports.conftest import PATH, Reports
from tests.authz.used import MODEL, Used, put_usage

_DAY = timedelta(days=1)
_PAGES_MAX = 20
"""More than any test reads: one that would go on for ever fails."""


def _midnight(reports: Reports) -> datetime:
    return reports.now.replace(hour=0, minute=0, second=0, microsecond=0)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


async def test_each_day_has_a_bucket_whether_used_or_not(
    reports: Reports, connection: asyncpg.Connection
) -> None:
    """From the day of `start_time` to today, and the whole body is as OpenAI's clients read it."""
    today, key_id = _midnight(reports), uuid4()
    used = Used(today - 2 * _DAY, reports.account_id, key_id, requests=3, tokens=50)
    await put_usage(connection, used)
    page = await reports.page(start_time=_seconds(today - 2 * _DAY))
    starts = [_seconds(today - days * _DAY) for days in (2, 1, 0)]
    result = {
        "object": "organization.usage.embeddings.result",
        "input_tokens": 50,
        "num_model_requests": 3,
        "project_id": None,
        "user_id": None,
        "api_key_id": None,
        "model": None,
    }
    assert page == {
        "object": "page",
        "data": [
            {
                "object": "bucket",
                "start_time": start,
                "end_time": start + 86_400,
                "results": [result] if start == starts[0] else [],
            }
            for start in starts
        ],
        "has_more": False,
        "next_page": None,
    }


async def test_another_accounts_usage_is_never_told(
    reports: Reports, connection: asyncpg.Connection
) -> None:
    """Neither by its key's id nor in any sum."""
    other_key = uuid4()
    await put_usage(connection, Used(reports.now, uuid4(), other_key))
    start = _seconds(reports.now)
    for filters in ({}, {"api_key_ids": str(other_key)}, {"group_by": "api_key_id"}):
        page = await reports.page(start_time=start, **filters)
        assert [bucket["results"] for bucket in page["data"]] == [[]]


async def test_refunds_are_taken_off(reports: Reports, connection: asyncpg.Connection) -> None:
    """As they are from the invoice."""
    used = Used(
        *(reports.now, reports.account_id, uuid4()),
        *(5, 100, 2),
        refunded_requests=2,
        refunded_tokens=30,
    )
    await put_usage(connection, used)
    page = await reports.page(start_time=_seconds(reports.now))
    [result] = page["data"][0]["results"]
    assert (result["num_model_requests"], result["input_tokens"]) == (3, 70)


@pytest.mark.parametrize("brackets", ["", "[]"])
async def test_usage_is_told_apart_by_key_and_model(
    reports: Reports, connection: asyncpg.Connection, brackets: str
) -> None:
    """Either, both, or one chosen of them, however a client writes a list."""
    first, second = sorted(uuid4() for _ in range(2))
    await put_usage(
        connection,
        Used(reports.now, reports.account_id, first, tokens=1, model="a"),
        Used(reports.now, reports.account_id, first, tokens=2, model="b"),
        Used(reports.now, reports.account_id, second, tokens=4, model="a"),
    )

    async def ask(**query: object) -> list[tuple[str | None, str | None, int]]:
        named = {
            name if isinstance(value, str) else name + brackets: value
            for name, value in query.items()
        }
        page = await reports.page(start_time=_seconds(reports.now), **named)
        return [
            (each["api_key_id"], each["model"], each["input_tokens"])
            for each in page["data"][0]["results"]
        ]

    assert await ask(group_by=["api_key_id"]) == [(str(first), None, 3), (str(second), None, 4)]
    assert await ask(group_by=["model"]) == [(None, "a", 5), (None, "b", 2)]
    both = [(str(first), "a", 1), (str(first), "b", 2), (str(second), "a", 4)]
    assert await ask(group_by=["api_key_id", "model"]) == both
    assert await ask(api_key_ids=[str(first)]) == [(None, None, 3)]
    assert await ask(models=["a"]) == [(None, None, 5)]
    assert await ask(models=["a", "b"], api_key_ids=[str(second)]) == [(None, None, 4)]


async def test_the_end_no_longer_belongs_to_it(
    reports: Reports, connection: asyncpg.Connection
) -> None:
    """To the minute, on both sides; the minute that a start is in counts as a whole."""
    at = reports.now.replace(second=0, microsecond=0) - timedelta(minutes=10)
    minutes = [at + timedelta(minutes=number) for number in range(4)]
    used = [
        Used(minute, reports.account_id, uuid4(), tokens=10**number)
        for number, minute in enumerate(minutes)
    ]
    await put_usage(connection, *used)

    async def ask(start: datetime, end: datetime) -> list[int]:
        page = await reports.page(
            start_time=_seconds(start), end_time=_seconds(end), bucket_width="1m"
        )
        return [each["results"][0]["input_tokens"] for each in page["data"]]

    second = timedelta(seconds=1)
    assert await ask(minutes[1], minutes[3]) == [10, 100]
    assert await ask(minutes[1], minutes[3] + second) == [10, 100, 1000]
    assert await ask(minutes[2] - second, minutes[3]) == [10, 100]
    assert await ask(minutes[1], minutes[2] - second) == [10]


@pytest.mark.parametrize(
    ("width", "step", "usual", "most"),
    [
        ("1m", timedelta(minutes=1), 60, 1440),
        ("1h", timedelta(hours=1), 24, 168),
        ("1d", timedelta(days=1), 7, 31),
    ],
)
async def test_a_page_has_as_many_buckets_as_at_openai(
    reports: Reports, width: str, step: timedelta, usual: int, most: int
) -> None:
    """By default and at most; the next page begins where this one ends."""
    query = {"start_time": _seconds(reports.now - (most + 1) * step), "bucket_width": width}
    page = await reports.page(**query)
    assert (len(page["data"]), page["has_more"]) == (usual, True)
    following = await reports.page(**query, page=page["next_page"])
    assert following["data"][0]["start_time"] == page["data"][-1]["end_time"]
    whole = await reports.page(**query, limit=most)
    assert (len(whole["data"]), whole["has_more"]) == (most, True)
    answer = await reports.ask(**query, limit=most + 1)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "limit")


async def test_a_report_does_not_grow_while_it_is_read(
    reports: Reports, connection: asyncpg.Connection
) -> None:
    """Its end is that of its first page; each bucket is told once, whatever is used meanwhile."""
    begun = reports.now.replace(minute=30)
    query = {"start_time": _seconds(begun - timedelta(hours=4)), "bucket_width": "1h", "limit": 2}
    reports.now, pages = begun, []
    token: dict[str, str] = {}
    for _ in range(_PAGES_MAX):
        page = await reports.page(**query, **token)
        pages.append(page)
        if not page["has_more"]:
            break
        token = {"page": page["next_page"]}
        reports.now += timedelta(hours=2)
        await put_usage(connection, Used(begun, reports.account_id, uuid4()))
    starts = [bucket["start_time"] for page in pages for bucket in page["data"]]
    first = _seconds(begun.replace(minute=0, second=0, microsecond=0)) - 4 * 3600
    assert starts == [first + hour * 3600 for hour in range(5)]


@pytest.mark.parametrize("rows_max", [3])
async def test_a_page_of_very_many_results_is_cut_short(
    reports: Reports, connection: asyncpg.Connection
) -> None:
    """And goes on in the same bucket, with each key once, also when keys come in between."""
    today = _midnight(reports)
    key_ids = [uuid4() for _ in range(5)]
    for day in (today - _DAY, today):
        used = [Used(day, reports.account_id, each) for each in key_ids]
        await put_usage(connection, *used)
    seen: list[tuple[int, str]] = []
    token: dict[str, str] = {}
    for _ in range(_PAGES_MAX):
        page = await reports.page(start_time=_seconds(today - _DAY), group_by="api_key_id", **token)
        for bucket in page["data"]:
            seen += [(bucket["start_time"], each["api_key_id"]) for each in bucket["results"]]
        assert sum(len(bucket["results"]) for bucket in page["data"]) <= 3
        if not page["has_more"]:
            break
        token = {"page": page["next_page"]}
        await put_usage(connection, Used(today - 2 * _DAY, reports.account_id, uuid4()))
    expected = [
        (_seconds(day), str(key_id)) for day in (today - _DAY, today) for key_id in sorted(key_ids)
    ]
    assert seen == expected


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({}, "start_time"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"start_time": "-1"}, "start_time"),
        ({"start_time": "1.5"}, "start_time"),
        ({"start_time": "٣"}, "start_time"),
        ({"start_time": "9" * 12}, "start_time"),
        ({"start_time": 0, "bucket_width": "1m"}, "start_time"),
        ({"start_time": 2, "end_time": 2}, "end_time"),
        ({"start_time": 2, "end_time": "x"}, "end_time"),
        ({"start_time": 1, "bucket_width": "1w"}, "bucket_width"),
        ({"start_time": 1, "limit": 0}, "limit"),
        ({"start_time": 1, "limit": "many"}, "limit"),
        ({"start_time": 1, "group_by": "project_id"}, "group_by"),
        ({"start_time": 1, "group_by[]": ["model", "user_id"]}, "group_by"),
        ({"start_time": 1, "project_ids[]": "p"}, "project_ids"),
        ({"start_time": 1, "user_ids": "u"}, "user_ids"),
        ({"start_time": 1, "api_key_ids": "'; DROP TABLE keys"}, "api_key_ids"),
        ({"start_time": 1, "api_key_ids": [str(uuid4())] * 101}, "api_key_ids"),
        ({"start_time": 1, "models": "a\0b"}, "models"),
        ({"start_time": 1, "models": "m" * 201}, "models"),
        ({"start_time": 1, "page": "gpt"}, "page"),
        ({"start_time": 1, "page": ""}, "page"),
    ],
)
async def test_what_cannot_be_used_is_named(
    reports: Reports, query: dict[str, object], param: str
) -> None:
    """A 400 of the catalogue; none of it reaches the database."""
    answer = await reports.ask(**query)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"] == param


async def test_minutes_are_not_told_of_when_there_are_none(reports: Reports) -> None:
    """A refusal, and not zeros: nobody takes what was forgotten for what was not used."""
    kept = reports.now - timedelta(days=35) + timedelta(seconds=1)
    query = {"bucket_width": "1m", "limit": 1}
    await reports.page(start_time=_seconds(kept + timedelta(seconds=1)), **query)
    answer = await reports.ask(start_time=_seconds(kept - timedelta(seconds=2)), **query)
    assert "35 days" in answer.json()["error"]["message"]


async def test_a_page_is_of_the_report_that_it_was_made_for(reports: Reports) -> None:
    """Whose account, what time, and all else are as they were."""
    query: dict[str, object] = {"start_time": _seconds(reports.now - 9 * _DAY), "limit": 2}
    token = (await reports.page(**query))["next_page"]
    await reports.page(**query | {"limit": 3}, page=token)
    for other in ({"group_by": "model"}, {"start_time": 1}, {"models": MODEL}):
        answer = await reports.ask(**query | other, page=token)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "page")
    reports.account_id = uuid4()
    assert (await reports.ask(**query, page=token)).status_code == 400


async def test_what_is_yet_to_come_has_no_buckets(reports: Reports) -> None:
    """Neither after now, nor where all of it is."""
    later = _seconds(reports.now + 3 * _DAY)
    page = await reports.page(start_time=_seconds(_midnight(reports)), end_time=later)
    assert len(page["data"]) == 1
    page = await reports.page(start_time=later)
    assert (page["data"], page["has_more"]) == ([], False)


async def test_whoever_envoy_did_not_name_is_told_nothing(reports: Reports) -> None:
    """Not by a header that is missing, doubled or no id."""
    start = {"start_time": 1}
    for headers in ([], [("x-tessera-account", "acme")], [("x-tessera-account", str(uuid4()))] * 2):
        answer = await reports.client.get(PATH, params=start, headers=headers)
        assert (answer.status_code, answer.content) == (401, errors.missing_api_key().body())


async def test_other_methods_and_paths_are_refused_in_the_same_form(reports: Reports) -> None:
    """Should Envoy ever let one through."""
    answer = await reports.client.post(PATH)
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    answer = await reports.client.get(f"{PATH}/")
    assert (answer.status_code, answer.content) == (404, errors.unknown_url().body())


async def test_answers_are_counted(reports: Reports) -> None:
    """By status, where a scrape finds it."""
    await reports.page(start_time=1)
    await reports.ask()
    scraped: httpx.Response = await reports.client.get("/metrics")
    assert 'tessera_usage_reports_total{status="200"} 1.0' in scraped.text
    assert 'tessera_usage_reports_total{status="400"} 1.0' in scraped.text
    assert (await reports.client.get("/readyz")).status_code == 200
    assert datetime.now(UTC) >= reports.now


async def test_a_token_that_was_tampered_with_leads_nowhere_else(reports: Reports) -> None:
    """Not before the start, not past the end, not into the future: it is no way around a rule."""
    start = reports.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=9)
    query: dict[str, object] = {
        "start_time": _seconds(start),
        "bucket_width": "1h",
        "limit": 2,
    }
    token = (await reports.page(**query))["next_page"]
    name, position = json.loads(base64.urlsafe_b64decode(token))
    end, bucket = json.loads(position)
    assert (end, bucket) == (_seconds(start) + 10 * 3600, _seconds(start) + 2 * 3600)
    for wrong in (
        [end, bucket - 3 * 3600],
        [end + 3600, bucket],
        [bucket - 3600, bucket],
        [end, end + 3600],
    ):
        forged = base64.urlsafe_b64encode(json.dumps([name, json.dumps(wrong)]).encode())
        answer = await reports.ask(**query, page=forged.decode())
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "page")


async def test_an_account_that_asks_too_often_at_once_is_told_to_wait(
    reports: Reports, connection: asyncpg.Connection
) -> None:
    """503 with the time to wait; what it asked first is answered."""
    start = _seconds(reports.now)
    async with connection.transaction():
        await connection.execute("LOCK TABLE usage_hours IN ACCESS EXCLUSIVE MODE")
        asked = [
            asyncio.create_task(reports.ask(start_time=start))
            for _ in range(REPORTS_OF_AN_ACCOUNT_MAX + 1)
        ]
        refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    answers = await asyncio.gather(*asked)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * REPORTS_OF_AN_ACCOUNT_MAX + [503]
    [busy] = [task.result() for task in refused]
    assert busy.content == errors.overloaded(timedelta(seconds=1)).body()
    assert busy.headers["retry-after-ms"] == "1000"
