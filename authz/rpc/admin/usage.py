"""UsageService."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from authz.domain.reports.buckets import Width, advance
from authz.domain.reports.usage import Dimension, UsageRow
from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import WireFields, reading
from authz.rpc.admin.times import to_timestamp
from authz.service.admin.usage import Names, Usage, UsageQuestion
from proto.tessera.admin.v1 import usage_pb2
from proto.tessera.admin.v1.usage_pb2 import GetUsageRequest, GetUsageResponse

_WIDTHS: Final[Mapping[int, Width]] = {
    usage_pb2.USAGE_BUCKET_WIDTH_MINUTE: Width.MINUTE,
    usage_pb2.USAGE_BUCKET_WIDTH_HOUR: Width.HOUR,
    usage_pb2.USAGE_BUCKET_WIDTH_DAY: Width.DAY,
    usage_pb2.USAGE_BUCKET_WIDTH_MONTH: Width.MONTH,
}
_DIMENSIONS: Final[Mapping[int, Dimension]] = {
    usage_pb2.USAGE_DIMENSION_ACCOUNT: Dimension.ACCOUNT,
    usage_pb2.USAGE_DIMENSION_KEY: Dimension.KEY,
    usage_pb2.USAGE_DIMENSION_MODEL: Dimension.MODEL,
}


class UsageServicer:
    """Unpacks, calls, packs."""

    def __init__(self, usage: Usage, now: Callable[[], datetime]) -> None:
        self._usage = usage
        self._now = now

    async def get_usage(self, request: GetUsageRequest, _: Call) -> GetUsageResponse:
        """Return one page of usage."""
        now = self._now()
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
            question = _read_question(request, fields, now)
        found, names = await self._usage.get(question, page, now)
        return GetUsageResponse(
            usage=[_to_usage(row, question.width, names) for row in found.items],
            next_page_token=found.next_token or "",
        )


def _read_question(request: GetUsageRequest, fields: WireFields, now: datetime) -> UsageQuestion:
    if not request.HasField("start_time"):
        fields.refuse("start_time", "is required")
    key_id = request.key_id and str(fields.id("key_id", request.key_id))
    return UsageQuestion(
        account=request.account,
        key_id=key_id,
        model=request.model,
        width=fields.enum("bucket_width", request.bucket_width, _WIDTHS) or Width.DAY,
        start=fields.moment("start_time", request.start_time) or now,
        end=_read_end(request, fields),
        by=tuple(sorted(_read_dimensions(request.group_by, fields))),
    )


def _read_end(request: GetUsageRequest, fields: WireFields) -> datetime | None:
    if not request.HasField("end_time"):
        return None
    return fields.moment("end_time", request.end_time)


def _read_dimensions(numbers: Iterable[int], fields: WireFields) -> frozenset[Dimension]:
    read = (
        fields.enum(f"group_by[{place}]", number, _DIMENSIONS)
        for place, number in enumerate(numbers)
    )
    return frozenset(each for each in read if each is not None)


def _to_usage(row: UsageRow, width: Width, names: Names) -> usage_pb2.Usage:
    account_id, key_id = row.group.account_id, row.group.key_id
    return usage_pb2.Usage(
        start_time=to_timestamp(row.bucket),
        end_time=to_timestamp(advance(width, row.bucket)),
        account_id="" if account_id is None else str(account_id),
        account_name="" if account_id is None else names.accounts.get(account_id, ""),
        key_id="" if key_id is None else str(key_id),
        key_name="" if key_id is None else names.keys.get(key_id, ""),
        model=row.group.model or "",
        requests=row.figures.requests,
        tokens=row.figures.tokens,
        failures=row.figures.failures,
        refunded_requests=row.figures.refunded_requests,
        refunded_tokens=row.figures.refunded_tokens,
    )
