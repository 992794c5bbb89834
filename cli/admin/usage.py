"""`tessera usage`: what was used, when, and by whom."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer

from cli.admin.command import Admin, command
from cli.admin.document import to_document
from cli.admin.pages import walk
from cli.admin.rows import Column
from cli.admin.times import parse_past, show_minute, to_timestamp
from cli.sheet import Cell
from proto.tessera.admin.v1.usage_pb2 import GetUsageRequest, GetUsageResponse, Usage

_ID_SHOWN: Final = 8
"""Characters of a key's id beside its name, which another key may have too."""


class Bucket(StrEnum):
    """How much time a row is about."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class By(StrEnum):
    """What usage is told apart by."""

    ACCOUNT = "account"
    KEY = "key"
    MODEL = "model"


_LENGTHS: Final = {Bucket.MINUTE: 16, Bucket.HOUR: 16, Bucket.DAY: 10, Bucket.MONTH: 7}
"""How much of a time is shown."""


def _parse_time(text: str) -> datetime:
    return parse_past(text, datetime.now(UTC))


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "usage",
        "tessera usage --account Acme",
        "tessera usage --account Acme --from 2026-11-01 --to 2026-12-01 --by key --bucket day",
        "tessera usage --by account --by model --bucket month --from 2026-01-01",
        "tessera usage --by account --output csv > usage.csv",
        "tessera usage --account Acme --from 1h --bucket minute --output json | jq '.usage[]'",
        with_csv=True,
    )(usage)


def usage(
    admin: Admin,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Only of this one.")] = "",
    key_id: Annotated[str, typer.Option(metavar="KEY", help="Only of this key: its id.")] = "",
    model: Annotated[str, typer.Option(help="Only of this model.")] = "",
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            parser=_parse_time,
            show_default="this month",
            help="2026-11-01, 2026-11-01T12:00:00Z, or 7d: seven days ago.",
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            metavar="WHEN",
            parser=_parse_time,
            show_default="now",
            help="When it ends; a day that is named no longer belongs to it.",
        ),
    ] = None,
    bucket: Annotated[Bucket, typer.Option(help="How much time a row is about.")] = Bucket.DAY,
    by: Annotated[list[By] | None, typer.Option(help="What tells rows apart; repeat.")] = None,
) -> None:
    """Show what was used, in UTC; what failed on our side is taken off.

    A bucket that --from or --to is in counts as a whole, and one without usage is left out.
    Minutes are kept for 35 days, all that is longer for ever.
    """
    request = GetUsageRequest(
        account=account,
        key_id=key_id,
        model=model,
        start_time=to_timestamp(start or _this_month()),
        end_time=to_timestamp(end),
        bucket_width=f"USAGE_BUCKET_WIDTH_{bucket.name}",
        group_by=[f"USAGE_DIMENSION_{each.name}" for each in by or ()],
    )
    pages = walk(admin.client, request, GetUsageResponse, _usage_of, None)
    if admin.screen.as_csv:
        admin.screen.write_sheet(_HEADINGS, (_to_cells(each) for page in pages for each in page))
    elif admin.screen.as_json:
        admin.screen.show_pages("usage", pages, ())
    else:
        admin.screen.show_pages("rows of usage", _with_total(pages), _columns(bucket, by or ()))


def _this_month() -> datetime:
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _usage_of(response: GetUsageResponse) -> Sequence[Usage]:
    return response.usage


def _with_total(pages: Iterator[Sequence[Usage]]) -> Iterator[Sequence[Usage]]:
    """Yield all pages, and the sum of what is in them; of nothing there is none."""
    total, rows = Usage(), 0
    for page in pages:
        for each in page:
            _add(total, each)
        rows += len(page)
        yield page
    if rows:
        yield [total]


def _add(total: Usage, each: Usage) -> None:
    total.requests += each.requests
    total.tokens += each.tokens
    total.failures += each.failures
    total.refunded_requests += each.refunded_requests


def _columns(bucket: Bucket, by: Sequence[By]) -> list[Column[Usage]]:
    shown = [_time_column(bucket)]
    if By.ACCOUNT in by or By.KEY in by:
        shown.append(Column("account", lambda each: each.account_name or each.account_id))
    if By.KEY in by:
        shown.append(Column("key", _show_key))
    if By.MODEL in by:
        shown.append(Column("model", lambda each: each.model))
    return [*shown, *_FIGURES]


def _time_column(bucket: Bucket) -> Column[Usage]:
    length = _LENGTHS[bucket]
    return Column(bucket, lambda each: show_minute(each.start_time)[:length] or "total", length)


def _show_key(usage: Usage) -> str:
    return f"{usage.key_name} {usage.key_id[:_ID_SHOWN]}".strip()


_FIGURES: Final[tuple[Column[Usage], ...]] = (
    Column("requests", lambda each: f"{each.requests:,}", 11),
    Column("tokens", lambda each: f"{each.tokens:,}", 17),
    Column("failures", lambda each: f"{each.failures:,}", 8),
    Column("refunded", lambda each: f"{each.refunded_requests:,}", 8),
)

_HEADINGS: Final = tuple(field.name for field in Usage.DESCRIPTOR.fields)


def _to_cells(usage: Usage) -> list[Cell]:
    document = to_document(usage)
    return [value if isinstance(value, str | int) else None for value in document.values()]
