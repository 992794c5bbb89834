"""Why requests were refused, for whoever administers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from authz.domain.administration.decisions import DecisionQuery, Position
from authz.domain.administration.fields import NAME_MAX, Fields
from authz.domain.administration.paging import bad_position, make_page, read_position
from authz.domain.administration.records import Page, PageRequest
from authz.domain.administration.refusals import NotFoundError
from authz.domain.decision import Decision, Ruling
from authz.service.admin.find import find_account, find_key
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables
from authz.service.admin.usage import Names
from contract.request_ids import is_request_id


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions to list; an empty text and `None` leave none out."""

    account: str = ""
    key_id: str = ""
    reason: str = ""
    ruling: Ruling | None = None
    start: datetime | None = None
    end: datetime | None = None


class Decisions:
    """What was decided. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def explain(self, request_id: str) -> tuple[Decision, Names]:
        """Return what was decided about one request, and the names of whose it was."""
        if not is_request_id(request_id):
            fields = Fields()
            fields.refuse("id", "is not a request's id: req_ and 32 hexadecimal digits")
            fields.check()
        async with self._database.session() as tables:
            found = await tables.decisions.find(request_id)
            if found is None:
                sentence = "Nothing is kept about a request with this id."
                raise NotFoundError("decision", request_id, sentence)
            return found, await _look_up_names(tables, [found])

    async def list(self, wanted: DecisionFilter, page: PageRequest) -> tuple[Page[Decision], Names]:
        """Return decisions, the newest first, and the names of whose they are."""
        fields = Fields()
        fields.text("reason", wanted.reason, NAME_MAX)
        fields.check()
        list_name = repr(wanted)
        after = _parse_position(read_position(page, list_name))
        async with self._database.session() as tables:
            query = await _make_query(tables, wanted)
            found = await tables.decisions.list(query, after, page.size + 1)
            names = await _look_up_names(tables, found)
        return make_page(found, page.size, list_name, lambda each: Position.of(each).write()), names


async def _make_query(tables: Tables, wanted: DecisionFilter) -> DecisionQuery:
    account = await find_account(tables, wanted.account) if wanted.account else None
    key = await find_key(tables, wanted.key_id) if wanted.key_id else None
    account_id = None if account is None else account.id
    if key is not None and account_id not in {None, key.account_id}:
        raise NotFoundError("key", str(key.id), "The account has no such key.")
    return DecisionQuery(
        # A key's decisions are found by its account, for which there is an index.
        account_id=account_id if key is None else key.account_id,
        key_id=None if key is None else key.id,
        reason=wanted.reason,
        ruling=wanted.ruling,
        start=wanted.start,
        end=wanted.end,
    )


async def _look_up_names(tables: Tables, decisions: Sequence[Decision]) -> Names:
    accounts = {each.account_id for each in decisions if each.account_id is not None}
    keys = {each.key_id for each in decisions if each.key_id is not None}
    return Names(
        accounts=await tables.usage.name_accounts(accounts) if accounts else {},
        keys=await tables.usage.name_keys(keys) if keys else {},
    )


def _parse_position(position: str | None) -> Position | None:
    if position is None:
        return None
    after = Position.parse(position)
    if after is None:
        raise bad_position()
    return after
