"""Turns fields, from the database or the snapshot file, into accounts, keys and tiers.

What the database's own constraints should already forbid is refused here again: one bad row must
never be half believed.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Protocol, TypeVar
from uuid import UUID

from authz.domain.directory import (
    REQUESTS_PER_MINUTE_MAX,
    TOKENS_PER_MINUTE_MAX,
    Account,
    AccountId,
    AccountStatus,
    BadDirectoryError,
    Endpoint,
    Enforcement,
    Key,
    KeyId,
    KeyStatus,
    Network,
    PepperId,
    Tier,
)
from authz.domain.packed_keys import Terms

E = TypeVar("E", bound=StrEnum)
K = TypeVar("K")
V = TypeVar("V")


class Fields(Protocol):
    """A row or a JSON object: anything that gives a field by its name."""

    def __getitem__(self, name: str, /) -> Any: ...  # noqa: ANN401 a column's type is known to its reader


def parse_tier(fields: Fields) -> Tier:
    """Read a tier. Raises `BadDirectoryError` for a blank, unknown or senseless field."""
    return Tier(
        name=_text(fields, "name"),
        requests_per_minute=_positive(fields, "requests_per_minute", REQUESTS_PER_MINUTE_MAX),
        tokens_per_minute=_positive(fields, "tokens_per_minute", TOKENS_PER_MINUTE_MAX),
        tokens_per_month=_positive(fields, "tokens_per_month"),
        items_max=_positive(fields, "items_max"),
        endpoints=frozenset(_choice(Endpoint, name) for name in _list(fields, "endpoints")),
        models=frozenset(_list(fields, "models")),
        enforcement=_choice(Enforcement, fields["enforcement"]),
    )


def parse_account(fields: Fields) -> Account:
    """Read an account. Raises `BadDirectoryError` for a blank, unknown or senseless field."""
    return Account(
        id=AccountId(_uuid(fields, "id")),
        name=_text(fields, "name"),
        tier=_text(fields, "tier"),
        status=_choice(AccountStatus, fields["status"]),
    )


class KeyParser:
    """Reads keys whose digests were made under peppers of which this process has some.

    Terms that were read before are not looked at again: a million keys have a few in common.
    """

    def __init__(self, known_peppers: frozenset[PepperId]) -> None:
        self._known_peppers = known_peppers
        self._terms: dict[object, Terms] = {}

    def parse(self, fields: Fields) -> Key:
        """Read a key.

        Raises `BadDirectoryError` for a blank, unknown or senseless field, and for an active key
        that was made under a pepper that is not known here: it would never be found.
        """
        terms = self._parse_terms(fields)
        return Key(
            KeyId(_uuid(fields, "id")),
            AccountId(_uuid(fields, "account_id")),
            _digest(fields["digest"]),
            *terms[:4],
            _moment(fields["expires_at"]),
            *terms[4:],
        )

    def _parse_terms(self, fields: Fields) -> Terms:
        try:
            lists = map(tuple, (fields["wrapped_under"], fields["scopes"], fields["networks"]))
            limits = fields["requests_per_minute"], fields["tokens_per_minute"]
            name = (fields["pepper_id"], fields["status"], *lists, *limits)
            if (known := self._terms.get(name)) is not None:
                return known
        except TypeError:
            raise BadDirectoryError("a list is not a list") from None
        terms = parse_terms(fields)
        if terms.status is KeyStatus.ACTIVE and not self._known_peppers.issuperset(terms.peppers):
            raise BadDirectoryError(f"key {fields['id']} needs a pepper that is not known here")
        self._terms[name] = terms
        return terms


def parse_terms(fields: Fields) -> Terms:
    """Read what keys have in common. Raises `BadDirectoryError` for a senseless field."""
    return Terms(
        peppers=_peppers(fields),
        status=_choice(KeyStatus, fields["status"]),
        scopes=frozenset(_choice(Endpoint, name) for name in _list(fields, "scopes")),
        networks=_networks(fields),
        requests_per_minute=_own_limit(fields, "requests_per_minute", REQUESTS_PER_MINUTE_MAX),
        tokens_per_minute=_own_limit(fields, "tokens_per_minute", TOKENS_PER_MINUTE_MAX),
    )


def by_id(values: Iterable[V], name: Callable[[V], K]) -> Mapping[K, V]:
    """Index values by what names them. Raises `BadDirectoryError` where two share a name."""
    index: dict[K, V] = {}
    for value in values:
        if name(value) in index:
            raise BadDirectoryError(f"{name(value)} appears twice")
        index[name(value)] = value
    return index


def _text(fields: Fields, name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value.strip():
        raise BadDirectoryError(f"{name} is blank")
    return value


def _positive(fields: Fields, name: str, maximum: int = 2**63 - 1) -> int:
    value = fields[name]
    if type(value) is not int or not 0 < value <= maximum:
        raise BadDirectoryError(f"{name} is not a number from 1 to {maximum}")
    return value


def _own_limit(fields: Fields, name: str, maximum: int) -> int | None:
    return None if fields[name] is None else _positive(fields, name, maximum)


def _list(fields: Fields, name: str) -> list[str]:
    values = fields[name]
    if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
        raise BadDirectoryError(f"{name} is not a list of names")
    return values


def _choice(choices: type[E], value: str) -> E:
    try:
        return choices(value)
    except ValueError:
        raise BadDirectoryError(f"unknown {choices.__name__}: {value!r}") from None


def _uuid(fields: Fields, name: str) -> UUID:
    value = fields[name]
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (AttributeError, TypeError, ValueError):
        raise BadDirectoryError(f"{name} is not an id") from None


def _peppers(fields: Fields) -> tuple[PepperId, ...]:
    return (PepperId(_text(fields, "pepper_id")), *map(PepperId, _list(fields, "wrapped_under")))


def _networks(fields: Fields) -> tuple[Network, ...]:
    values = fields["networks"]
    if not isinstance(values, list):
        raise BadDirectoryError("networks is not a list")
    try:
        return tuple(ip_network(value) for value in values)
    except ValueError:
        raise BadDirectoryError("a network is not a network") from None


def _digest(value: object) -> bytes:
    try:
        digest = value if isinstance(value, bytes) else bytes.fromhex(str(value))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise BadDirectoryError("a digest is not 32 bytes")
    return digest


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise BadDirectoryError("a time is not a time") from None
    if moment.tzinfo is None:
        raise BadDirectoryError("a time has no zone")
    return moment
