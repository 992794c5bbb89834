"""`tessera usage`."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from proto.tessera.admin.v1.usage_pb2 import (
    USAGE_BUCKET_WIDTH_DAY,
    USAGE_BUCKET_WIDTH_MONTH,
    USAGE_DIMENSION_KEY,
    USAGE_DIMENSION_MODEL,
    GetUsageRequest,
    GetUsageResponse,
    Usage,
)
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import ACCOUNT_ID, KEY_ID, at


def _usage(requests: int = 1200, account_name: str = "Acme") -> Usage:
    return Usage(
        start_time=at(0),
        end_time=at(0),
        account_id=ACCOUNT_ID,
        account_name=account_name,
        key_id=KEY_ID,
        key_name="shop",
        model="minilm",
        requests=requests,
        tokens=2**40,
        failures=7,
        refunded_requests=5,
        refunded_tokens=50,
    )


def test_this_month_is_shown_by_day(server: CannedServer, tessera: Tessera) -> None:
    """Where nothing is said; until now, by the server's clock."""
    server.answer("GetUsage", GetUsageResponse(usage=[_usage()]))
    before = datetime.now(UTC)
    assert tessera("usage").exit_code == 0
    (request,) = server.asked(GetUsageRequest)
    start = request.start_time.ToDatetime(UTC)
    months = {
        each.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for each in (before, datetime.now(UTC))
    }
    assert start in months
    assert not request.HasField("end_time")
    assert request.bucket_width == USAGE_BUCKET_WIDTH_DAY
    assert (request.account, request.key_id, list(request.group_by)) == ("", "", [])


def test_what_is_asked_is_passed_on(server: CannedServer, tessera: Tessera) -> None:
    """Account, key, model, time, width and what tells rows apart."""
    server.answer("GetUsage", GetUsageResponse())
    options = (
        *("--account", "acme", "--key-id", KEY_ID, "--model", "minilm"),
        *("--from", "2026-11-01", "--to", "2026-12-01T00:00:00Z", "--bucket", "month"),
        *("--by", "key", "--by", "model"),
    )
    result = tessera("usage", *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "There are no rows of usage." in result.stderr
    (request,) = server.asked(GetUsageRequest)
    assert (request.account, request.key_id, request.model) == ("acme", KEY_ID, "minilm")
    assert request.start_time.ToDatetime() == datetime(2026, 11, 1)  # noqa: DTZ001 in UTC
    assert request.end_time.ToDatetime() == datetime(2026, 12, 1)  # noqa: DTZ001
    assert request.bucket_width == USAGE_BUCKET_WIDTH_MONTH
    assert list(request.group_by) == [USAGE_DIMENSION_KEY, USAGE_DIMENSION_MODEL]


def test_a_time_can_be_so_long_ago(server: CannedServer, tessera: Tessera) -> None:
    """7d is seven days before now, and not after."""
    server.answer("GetUsage", GetUsageResponse())
    tessera("usage", "--from", "7d", "--to", "1d")
    (request,) = server.asked(GetUsageRequest)
    assert request.end_time.ToDatetime() - request.start_time.ToDatetime() == pytest.approx(
        timedelta(days=6), abs=timedelta(minutes=1)
    )
    assert request.end_time.ToDatetime(UTC) < datetime.now(UTC)


def test_all_pages_are_summed_up_for_people(server: CannedServer, tessera: Tessera) -> None:
    """In a last line, in 100 columns, with all that tells rows apart."""
    first = GetUsageResponse(usage=[_usage(1000)], next_page_token="t")
    server.answer("GetUsage", first, GetUsageResponse(usage=[_usage(234)]))
    lines = tessera("usage", "--by", "key", "--by", "model").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    header, *_ = lines
    for heading in ("day", "account", "key", "model", "requests", "tokens", "failures"):
        assert heading in header
    assert "2026-05-04" in lines[1]
    for text in ("Acme", "shop", KEY_ID[:8], "minilm", "1,000"):
        assert text in "".join(lines)
    assert lines[-1].split() == ["total", "1,234", f"{2**41:,}", "14", "10"]


def test_programs_get_every_field_and_no_total(server: CannedServer, tessera: Tessera) -> None:
    """Whoever sums up a column does not count anything twice."""
    server.answer("GetUsage", GetUsageResponse(usage=[_usage(), _usage()]))
    document = json.loads(tessera("usage", "--output", "json").stdout)
    assert len(document["usage"]) == 2
    assert document["usage"][0] == {
        "start_time": "2026-05-04T00:30:15Z",
        "end_time": "2026-05-04T00:30:15Z",
        "account_id": ACCOUNT_ID,
        "account_name": "Acme",
        "key_id": KEY_ID,
        "key_name": "shop",
        "model": "minilm",
        "requests": 1200,
        "tokens": 2**40,
        "failures": 7,
        "refunded_requests": 5,
        "refunded_tokens": 50,
    }


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","a,b")', "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_gets_names_that_it_never_runs(
    server: CannedServer, tessera: Tessera, name: str
) -> None:
    """A line of headings, a line a row, no total; a name of any kind stays in its cell."""
    response = GetUsageResponse(usage=[_usage(account_name=name), _usage()])
    server.answer("GetUsage", response)
    rows = list(csv.DictReader(tessera("usage", "--output", "csv").stdout.splitlines()))
    assert [row["account_name"] for row in rows] == [f"'{name}", "Acme"]
    assert [row["tokens"] for row in rows] == [str(2**40)] * 2
    assert rows[0]["start_time"] == "2026-05-04T00:30:15Z"


def test_a_spreadsheet_gets_its_headings_when_there_is_nothing(
    server: CannedServer, tessera: Tessera
) -> None:
    """An empty table, and not an empty file."""
    server.answer("GetUsage", GetUsageResponse())
    (line,) = tessera("usage", "--output", "csv").stdout.splitlines()
    assert line.startswith("start_time,end_time,account_id,account_name,")


def test_other_commands_write_no_csv(tessera: Tessera) -> None:
    """What is offered is what there is."""
    result = tessera("accounts", "list", "--output", "csv")
    assert result.exit_code == 2


def test_help_has_examples_and_exit_codes(tessera: Tessera) -> None:
    """As every command's."""
    shown = tessera("usage", "--help").stdout
    assert "tessera usage --account" in shown.partition("Examples:")[2]
    assert "Exit codes:" in shown
