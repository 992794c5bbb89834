"""An account's usage, a page of buckets at a time."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, Protocol

from authz.domain.administration.paging import make_token, open_token
from authz.domain.administration.refusals import FieldViolation
from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.buckets import Width, advance, each_start
from authz.domain.reports.continuation import Continuation
from authz.domain.reports.span import Span, find_span
from authz.domain.reports.usage import Dimension, Group, UsageQuery, UsageRow
from authz.service.reports.places import Places

_ROWS_MAX: Final = 10_000
"""A page is cut short, in the middle of a bucket if need be, rather than hold more."""


class UsageReader(Protocol):
    """Where usage is kept. Methods raise `DatabaseError`."""

    async def read(self, query: UsageQuery, after: Group | None, limit: int) -> Sequence[UsageRow]:
        """Return rows by bucket, then group, from the one after `after` on.

        `after` is a group of the first bucket.
        """
        ...

    async def ping(self) -> None:
        """Return if there is anything to read from."""


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """What an account asks of its own usage: up to `buckets_max` buckets, going on at `token`.

    Without an end it is until now.
    """

    account_id: AccountId
    width: Width
    start: datetime
    end: datetime | None
    key_ids: tuple[KeyId, ...] | None
    models: tuple[str, ...] | None
    by: Set[Dimension]
    buckets_max: int
    token: str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """The usage between two moments, the second left out; there may be none."""

    start: datetime
    end: datetime
    rows: tuple[UsageRow, ...]


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Buckets without a gap, and where the rest begins."""

    buckets: tuple[Bucket, ...]
    next_token: str | None


class UsagePages:
    """Reads reports; `clock` gives the time of day."""

    def __init__(
        self,
        reader: UsageReader,
        places: Places,
        clock: Callable[[], datetime],
        rows_max: int = _ROWS_MAX,
    ) -> None:
        self._reader = reader
        self._places = places
        self._clock = clock
        self._rows_max = rows_max

    async def read(self, question: PageQuestion) -> UsagePage | FieldViolation:
        """Return one page, or what is wrong with the question.

        Raises:
            DatabaseError: it cannot be read now.
            ReportsBusyError: too many are read now.
        """
        span = find_span(question.width, question.start, question.end, self._clock())
        if isinstance(span, FieldViolation):
            return span
        going_on = _go_on(question, span)
        if going_on is None or not going_on.is_within(span):
            return FieldViolation("page", "is not of this report: all else must be as it was")
        page = _first_buckets(span.width, going_on, question.buckets_max)
        with self._places.take(question.account_id):
            query = _make_query(question, page)
            rows = await self._reader.read(query, going_on.after, self._rows_max + 1)
        return self._make_page(question, page, rows, going_on.end)

    def _make_page(
        self, question: PageQuestion, page: Span, rows: Sequence[UsageRow], end: datetime
    ) -> UsagePage:
        if len(rows) > self._rows_max:
            rows = rows[: self._rows_max]
            last = rows[-1]
            page = Span(page.width, page.start, advance(page.width, last.bucket))
            rest = Continuation(end, last.bucket, last.group)
        else:
            rest = Continuation(end, page.end)
        has_more = rest.bucket < end
        token = make_token(_name(question), rest.write()) if has_more else None
        return UsagePage(tuple(_fill(page, rows)), token)


def _go_on(question: PageQuestion, span: Span) -> Continuation | None:
    """Return where a page begins; nothing where its token is not of this report."""
    if question.token is None:
        return Continuation(span.end, span.start)
    position = open_token(question.token, _name(question))
    return None if position is None else Continuation.parse(position)


def _name(question: PageQuestion) -> str:
    """Return what all pages of a report have in common."""
    asked = (question.account_id, question.start, question.end, question.key_ids, question.models)
    return repr((*map(str, asked), question.width.value, sorted(question.by)))


def _first_buckets(width: Width, going_on: Continuation, count: int) -> Span:
    end = min(going_on.end, advance(width, going_on.bucket, count))
    return Span(width, going_on.bucket, end)


def _make_query(question: PageQuestion, page: Span) -> UsageQuery:
    return UsageQuery(page, question.account_id, question.key_ids, question.models, question.by)


def _fill(page: Span, rows: Sequence[UsageRow]) -> Iterator[Bucket]:
    used = {start: tuple(those) for start, those in groupby(rows, lambda row: row.bucket)}
    for start in each_start(page.width, page.start, page.end):
        yield Bucket(start, advance(page.width, start), used.get(start, ()))
