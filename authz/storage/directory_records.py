"""The directory as records of a log: all of it, or what differs from an earlier state."""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from struct import Struct
from struct import error as StructError  # noqa: N812 an exception, if the library's name hides it
from typing import Any, Final

import orjson

from authz.domain.directory import Account, BadDirectoryError, KeyStatus, PepperId, Tier
from authz.domain.packed_accounts import PackedAccounts
from authz.domain.packed_directory import Directory
from authz.domain.packed_keys import PackedKeys, SharedTerms, Terms, Use
from authz.domain.packed_rows import Place
from authz.storage.directory_fields import by_id, parse_account, parse_terms, parse_tier
from authz.storage.sealed_log import Record

_PAGE: Final = Struct("<2sI")
_GROUP: Final = Struct("<I")
_RECORD_BYTES: Final = 2**18
_TERMS_PER_RECORD: Final = 1000


class _Kind(IntEnum):
    STATE = 1
    TERMS = 2
    ACCOUNTS = 3
    ROWS = 4
    WHERE = 5


def encode_changes(directory: Directory, earlier: Directory) -> Iterator[Record]:
    """Yield what a reader of `earlier` needs to know `directory`.

    That one came from the other by changes, or `earlier` is empty. Each part replaces an earlier
    one of the same number.
    """
    packed, before = directory.packed, earlier.packed
    terms = packed.terms.known[before.terms_count : packed.terms_count]
    for at in range(0, len(terms), _TERMS_PER_RECORD):
        part = terms[at : at + _TERMS_PER_RECORD]
        yield _Kind.TERMS, orjson.dumps([_encode_terms(one) for one in part])
    for number, group in directory.accounts.groups_since(earlier.accounts):
        content = orjson.dumps([account and _encode_account(account) for account in group])
        yield _Kind.ACCOUNTS, _GROUP.pack(number) + content
    yield from _encode_pages(_Kind.ROWS, packed.rows.pages_since(before.rows))
    yield from _encode_pages(_Kind.WHERE, packed.where.pages_since(before.where))
    yield _Kind.STATE, orjson.dumps(_encode_state(directory))


def _encode_pages(kind: _Kind, pages: Iterable[tuple[Place, bytes]]) -> Iterator[Record]:
    pieces: list[bytes] = []
    size = 0
    for place, page in pages:
        pieces += (_PAGE.pack(place, len(page)), page)
        size += len(page)
        if size >= _RECORD_BYTES:
            yield kind, b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield kind, b"".join(pieces)


def _encode_state(directory: Directory) -> dict[str, object]:
    return {
        "number": directory.number,
        "tiers": [_encode_tier(tier) for tier in directory.tiers.values()],
        "uses": [[chain, status, n] for (chain, status), n in directory.packed.uses.items()],
    }


def _encode_tier(tier: Tier) -> dict[str, object]:
    return {
        "name": tier.name,
        "requests_per_minute": tier.requests_per_minute,
        "tokens_per_minute": tier.tokens_per_minute,
        "tokens_per_month": tier.tokens_per_month,
        "items_max": tier.items_max,
        "endpoints": sorted(tier.endpoints),
        "models": sorted(tier.models),
        "enforcement": tier.enforcement,
    }


def _encode_account(account: Account) -> dict[str, object]:
    return {
        "id": str(account.id),
        "name": account.name,
        "tier": account.tier,
        "status": account.status,
    }


def _encode_terms(terms: Terms) -> dict[str, object]:
    return {
        "pepper_id": terms.peppers[0],
        "wrapped_under": terms.peppers[1:],
        "status": terms.status,
        "scopes": sorted(terms.scopes),
        "networks": [str(network) for network in terms.networks],
        "requests_per_minute": terms.requests_per_minute,
        "tokens_per_minute": terms.tokens_per_minute,
    }


class DirectoryRecords:
    """Collects what `encode_changes` yielded, and puts the directory together again."""

    def __init__(self) -> None:
        self._state: bytes = b""
        self._terms: list[bytes] = []
        self._groups: dict[int, bytes] = {}
        self._pages: dict[int, dict[Place, bytes]] = {_Kind.ROWS: {}, _Kind.WHERE: {}}

    def add(self, kind: int, content: bytes) -> None:
        """Take a record. Raises `BadDirectoryError` where it is damaged or of another release."""
        try:
            match kind:
                case _Kind.STATE:
                    self._state = content
                case _Kind.TERMS:
                    self._terms.append(content)
                case _Kind.ACCOUNTS:
                    self._groups[_GROUP.unpack_from(content)[0]] = content[_GROUP.size :]
                case _Kind.ROWS | _Kind.WHERE:
                    self._pages[kind].update(_split_pages(content))
                case _:
                    raise BadDirectoryError("the snapshot has a record of another release")
        except StructError as error:
            raise BadDirectoryError("the snapshot has a record that is cut") from error

    def build(self, known_peppers: frozenset[PepperId]) -> Directory:
        """Return the directory of the last state that was taken.

        Raises:
            BadDirectoryError: it is of another release, or an active key needs another pepper.
        """
        try:
            state = orjson.loads(self._state)
            packed = self._build_keys({_parse_use(one): one[2] for one in state["uses"]})
            tiers = by_id(map(parse_tier, state["tiers"]), lambda tier: tier.name)
            directory = Directory.restore(state["number"], tiers, self._build_accounts(), packed)
        except (KeyError, TypeError, IndexError, StructError, orjson.JSONDecodeError) as error:
            raise BadDirectoryError("the snapshot is of another release") from error
        for chain, status in packed.uses:
            if status is KeyStatus.ACTIVE and not known_peppers.issuperset(chain):
                raise BadDirectoryError("a key needs a pepper that is not known here")
        return directory

    def _build_keys(self, uses: Mapping[Use, int]) -> PackedKeys:
        empty = PackedKeys()
        terms = SharedTerms(parse_terms(one) for part in self._terms for one in orjson.loads(part))
        return PackedKeys(
            count=sum(uses.values()),
            uses=uses,
            rows=empty.rows.with_pages(self._pages[_Kind.ROWS]),
            where=empty.where.with_pages(self._pages[_Kind.WHERE]),
            terms=terms,
            terms_count=len(terms.known),
        )

    def _build_accounts(self) -> PackedAccounts:
        parts = (orjson.loads(self._groups[number]) for number in range(len(self._groups)))
        return PackedAccounts.restore(
            tuple(tuple(one and parse_account(one) for one in part) for part in parts)
        )


def _split_pages(content: bytes) -> Iterator[tuple[Place, bytes]]:
    at = 0
    while at < len(content):
        place, size = _PAGE.unpack_from(content, at)
        at += _PAGE.size
        yield place, content[at : at + size]
        at += size


def _parse_use(fields: Any) -> Use:  # noqa: ANN401 it is checked here
    chain, status, _ = fields
    return tuple(PepperId(name) for name in chain), KeyStatus(status)
