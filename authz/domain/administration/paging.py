"""Where a list goes on: after the last item, and only for the list that it was a part of."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from authz.domain.administration.records import Page, PageRequest
from authz.domain.administration.refusals import FieldViolation, InvalidFieldsError

T = TypeVar("T")

SIZE_MAX: Final = 1000


def read_position(page: PageRequest, list_name: str) -> str | None:
    """Return the position after which a page begins; nothing for the first page.

    `list_name` says which list it is, filter and all: a token of another is refused.

    Raises:
        InvalidFieldsError: there is no such page.
    """
    if not 1 <= page.size <= SIZE_MAX:
        raise InvalidFieldsError(FieldViolation("page_size", f"must be 1 to {SIZE_MAX}"))
    if not page.token:
        return None
    position = open_token(page.token, list_name)
    if position is not None:
        return position
    raise InvalidFieldsError(
        FieldViolation("page_token", "is not of this list: the other fields must be as they were")
    )


def make_page(
    found: Sequence[T], size: int, list_name: str, position: Callable[[T], str]
) -> Page[T]:
    """Return the first `size` of the items found: one more than fit shows that there are more."""
    items = tuple(found[:size])
    more = len(found) > size
    return Page(items, make_token(list_name, position(items[-1])) if more else None)


def make_token(list_name: str, position: str) -> str:
    """Return what a caller sends to go on at a position of a list."""
    return _encode([list_name, position])


def open_token(token: str, list_name: str) -> str | None:
    """Return the position in a token; nothing where it is not of this list."""
    match _decode(token):
        case [str(name), str(position)] if name == list_name:
            return position
    return None


def bad_position() -> InvalidFieldsError:
    """Return the error for a token whose position means nothing."""
    return InvalidFieldsError(FieldViolation("page_token", "was not made here"))


def _encode(content: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _decode(token: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, RecursionError):
        return None
