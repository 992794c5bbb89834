"""What was used, for whoever administers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from authz.domain.administration.fields import NAME_MAX, Fields
from authz.domain.administration.paging import bad_position, make_page, read_position
from authz.domain.administration.records import KeyRecord, Page, PageRequest
from authz.domain.administration.refusals import FieldViolation, InvalidFieldsError, NotFoundError
from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.buckets import Width
from authz.domain.reports.continuation import Continuation
from authz.domain.reports.span import Span, find_span
from authz.domain.reports.usage import Dimension, Group, UsageQuery, UsageRow
from authz.service.admin.find import find_account, find_key
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables

BUCKETS_MAX: Final[Mapping[Width, int]] = {
    Width.MINUTE: 1440,
    Width.HOUR: 744,
    Width.DAY: 366,
    Width.MONTH: 120,
}


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What is asked; an empty text leaves nothing out, and without an end it is until now."""

    account: str
    key_id: str
    model: str
    width: Width
    start: datetime
    end: datetime | None
    by: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """The names that people know accounts and keys by."""

    accounts: Mapping[AccountId, str]
    keys: Mapping[KeyId, str]


class Usage:
    """What was used. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(
        self, question: UsageQuestion, page: PageRequest, now: datetime
    ) -> tuple[Page[UsageRow], Names]:
        """Return rows by bucket, then group, and the names of whose they are."""
        list_name = repr(question)
        going_on = _parse_position(read_position(page, list_name))
        span = _find_span(question, going_on, now)
        async with self._database.session() as tables:
            query = await _make_query(tables, question, _rest(span, going_on))
            after = None if going_on is None else going_on.after
            found = await tables.usage.read(query, after, page.size + 1)
            names = await _look_up_names(tables, found)
        return make_page(found, page.size, list_name, lambda row: _position(row, span)), names


def _find_span(question: UsageQuestion, going_on: Continuation | None, now: datetime) -> Span:
    """Return the time that is meant, the same on every page."""
    fields = Fields()
    fields.text("model", question.model, NAME_MAX)
    fields.check()
    span = find_span(question.width, question.start, question.end, now)
    if isinstance(span, FieldViolation):
        raise InvalidFieldsError(span)
    if going_on is not None:
        if not going_on.is_within(span):
            raise bad_position()
        span = Span(span.width, span.start, going_on.end)
    _check_length(span)
    return span


def _check_length(span: Span) -> None:
    buckets_max = BUCKETS_MAX[span.width]
    if span.buckets > buckets_max:
        description = f"leaves over {buckets_max} {span.width}s; ask for less, or wider"
        raise InvalidFieldsError(FieldViolation("start_time", description))


def _rest(span: Span, going_on: Continuation | None) -> Span:
    return span if going_on is None else Span(span.width, going_on.bucket, span.end)


async def _make_query(tables: Tables, question: UsageQuestion, span: Span) -> UsageQuery:
    account = await find_account(tables, question.account) if question.account else None
    key = await find_key(tables, question.key_id) if question.key_id else None
    account_id = None if account is None else account.id
    if key is not None:
        account_id = _check_owner(key, account_id)
    by = frozenset(question.by)
    return UsageQuery(
        span=span,
        account_id=account_id,
        key_ids=None if key is None else (key.id,),
        models=(question.model,) if question.model else None,
        by=by | {Dimension.ACCOUNT} if Dimension.KEY in by else by,
    )


def _check_owner(key: KeyRecord, account_id: AccountId | None) -> AccountId:
    if account_id not in {None, key.account_id}:
        raise NotFoundError("key", str(key.id), "The account has no such key.")
    return key.account_id


async def _look_up_names(tables: Tables, rows: Iterable[UsageRow]) -> Names:
    groups: Sequence[Group] = [row.group for row in rows]
    accounts = {each.account_id for each in groups if each.account_id is not None}
    keys = {each.key_id for each in groups if each.key_id is not None}
    return Names(
        accounts=await tables.usage.name_accounts(accounts) if accounts else {},
        keys=await tables.usage.name_keys(keys) if keys else {},
    )


def _position(row: UsageRow, span: Span) -> str:
    return Continuation(span.end, row.bucket, row.group).write()


def _parse_position(position: str | None) -> Continuation | None:
    if position is None:
        return None
    going_on = Continuation.parse(position)
    if going_on is None or going_on.after is None:
        raise bad_position()
    return going_on
