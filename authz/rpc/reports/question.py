"""Reads the query of `GET /v1/organization/usage/embeddings`, as OpenAI has it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID

from starlette.datastructures import QueryParams

from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.buckets import Width
from authz.domain.reports.usage import Dimension
from authz.service.reports.usage_pages import PageQuestion
from contract.errors import ApiError, invalid_parameter, missing_parameter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A width, and how many of its buckets a page holds."""

    width: Width
    usual: int
    most: int


_KINDS: Final[Mapping[str, _Kind]] = {
    "1m": _Kind(Width.MINUTE, 60, 1440),
    "1h": _Kind(Width.HOUR, 24, 168),
    "1d": _Kind(Width.DAY, 7, 31),
}
_DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "api_key_id": Dimension.KEY,
    "model": Dimension.MODEL,
}
_UNKNOWN_HERE: Final = ("project_ids", "user_ids")
_SECONDS: Final = re.compile(r"\d{1,11}", re.ASCII)
_FILTERS_MAX: Final = 100
_NAME_MAX: Final = 200


class _BadParameterError(Exception):
    """A parameter cannot be used; nothing after it was looked at."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


def read_question(account_id: AccountId, query: QueryParams) -> PageQuestion | ApiError:
    """Return what is asked, or the first thing that is wrong with it."""
    try:
        return _read(account_id, query)
    except _BadParameterError as bad:
        return bad.error


def _read(account_id: AccountId, query: QueryParams) -> PageQuestion:
    for name in _UNKNOWN_HERE:
        if _values(query, name):
            raise _bad(name, "There are no projects and no users here; use api_key_ids")
    if "start_time" not in query:
        raise _BadParameterError(missing_parameter("start_time"))
    start, end = _read_moment(query, "start_time"), _read_moment(query, "end_time")
    assert start is not None  # noqa: S101 it is there
    kind = _choose(_KINDS, "bucket_width", query.get("bucket_width", "1d"))
    by = [_choose(_DIMENSIONS, "group_by", value) for value in _values(query, "group_by")]
    return PageQuestion(
        account_id=account_id,
        width=kind.width,
        start=start,
        end=end,
        key_ids=_read_key_ids(query),
        models=_read_models(query),
        by=frozenset(by),
        buckets_max=_read_limit(query, kind),
        token=query.get("page"),
    )


def _read_moment(query: QueryParams, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise _bad(name, "Expected a time in Unix seconds")
    return datetime.fromtimestamp(int(text), UTC)


def _read_limit(query: QueryParams, kind: _Kind) -> int:
    text = query.get("limit")
    if text is None:
        return kind.usual
    if not _SECONDS.fullmatch(text) or not 1 <= int(text) <= kind.most:
        raise _bad("limit", f"Expected 1 to {kind.most} for this bucket_width")
    return int(text)


def _read_key_ids(query: QueryParams) -> tuple[KeyId, ...] | None:
    try:
        return tuple(KeyId(UUID(value)) for value in _values(query, "api_key_ids")) or None
    except ValueError:
        raise _bad("api_key_ids", "Expected ids of keys, which are UUIDs") from None


def _read_models(query: QueryParams) -> tuple[str, ...] | None:
    models = _values(query, "models")
    if not all(each.isprintable() and len(each) <= _NAME_MAX for each in models):
        raise _bad("models", "Expected ids of models")
    return tuple(models) or None


def _values(query: QueryParams, name: str) -> list[str]:
    """Return all values of a list, which clients write as `name=` or `name[]=` again and again."""
    values = [*query.getlist(name), *query.getlist(f"{name}[]")]
    if len(values) > _FILTERS_MAX:
        raise _bad(name, f"Expected at most {_FILTERS_MAX} values")
    return values


def _choose(choices: Mapping[str, T], name: str, value: str) -> T:
    chosen = choices.get(value)
    if chosen is None:
        raise _bad(name, f"Expected one of: {', '.join(choices)}")
    return chosen


def _bad(name: str, message: str) -> _BadParameterError:
    return _BadParameterError(invalid_parameter(name, message))
