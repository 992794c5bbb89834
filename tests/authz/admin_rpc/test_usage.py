"""GetUsage on the wire, on a real database."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from proto.tessera.admin.v1 import usage_pb2
from proto.tessera.admin.v1.usage_pb2 import GetUsageRequest, GetUsageResponse
from tests.authz.admin_rpc.administered import Administered, some_id
from tests.authz.used import MODEL, Used, put_usage

_TODAY: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _at(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _request(**fields: object) -> GetUsageRequest:
    request = GetUsageRequest(start_time=_at(_TODAY))
    request.MergeFrom(GetUsageRequest(**fields))  # type: ignore[arg-type] # whatever a test says
    return request


async def test_usage_is_told_with_names(admin: Administered) -> None:
    """By day where nothing else is said; what it is not grouped by is empty."""
    account = await admin.make_account()
    key = (await admin.issue("acme")).key
    used = Used(_TODAY, UUID(account.id), UUID(key.id), 5, 100, 2, 1, 30)
    await put_usage(admin.connection, used)
    summed = await admin.owner.call(_request(), GetUsageResponse)
    assert list(summed.usage) == [
        usage_pb2.Usage(
            start_time=_at(_TODAY),
            end_time=_at(_TODAY + timedelta(days=1)),
            requests=4,
            tokens=70,
            failures=2,
            refunded_requests=1,
            refunded_tokens=30,
        )
    ]
    request = _request(
        group_by=["USAGE_DIMENSION_KEY", "USAGE_DIMENSION_MODEL", "USAGE_DIMENSION_KEY"]
    )
    [told] = (await admin.owner.call(request, GetUsageResponse)).usage
    assert (told.account_id, told.account_name) == (account.id, "acme")
    assert (told.key_id, told.key_name, told.model) == (key.id, "main", MODEL)


async def test_usage_is_read_page_by_page(admin: Administered) -> None:
    """With the same request and the last response's token."""
    keys = [UUID(int=number) for number in range(1, 6)]
    account_id = UUID(some_id())
    await put_usage(admin.connection, *(Used(_TODAY, account_id, each) for each in keys))
    request = _request(group_by=["USAGE_DIMENSION_KEY"], page_size=2)
    seen: list[str] = []
    for _ in range(20):
        page = await admin.owner.call(request, GetUsageResponse)
        seen += [each.key_id for each in page.usage]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == [str(each) for each in keys]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (GetUsageRequest(), ["start_time"]),
        (GetUsageRequest(start_time=Timestamp(seconds=2**60)), ["start_time"]),
        (_request(end_time=_at(_TODAY)), ["end_time"]),
        (
            _request(bucket_width=9, group_by=[1, 9], key_id="x"),
            ["key_id", "bucket_width", "group_by[1]"],
        ),
        (_request(page_size=1001), ["page_size"]),
        (_request(page_token="x"), ["page_token"]),
        (
            GetUsageRequest(
                start_time=_at(_TODAY - timedelta(days=36)),
                bucket_width="USAGE_BUCKET_WIDTH_MINUTE",
            ),
            ["start_time"],
        ),
    ],
)
async def test_what_cannot_be_used_is_named(
    admin: Administered, request_: GetUsageRequest, fields: list[str]
) -> None:
    """All of it, by field."""
    assert (await admin.refusal(request_)).fields == fields


async def test_nobody_is_not_found(admin: Administered) -> None:
    """An account or key that there is not is told as such, and not as no usage."""
    for request in (_request(account="nobody"), _request(key_id=some_id())):
        assert (await admin.refusal(request)).code is grpc.StatusCode.NOT_FOUND
