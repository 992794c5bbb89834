"""All keys, as rows of bytes: a million of them in a hundred megabytes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID, SafeUUID
from zlib import crc32

from authz.domain.directory import (
    Account,
    BadDirectoryError,
    Endpoint,
    Key,
    KeyId,
    KeyStatus,
    Network,
    PepperId,
)
from authz.domain.packed_accounts import PackedAccounts
from authz.domain.packed_rows import PackedRows, Place

Chain: TypeAlias = tuple[PepperId, ...]
"""Peppers under which a digest was made, in order."""
Use: TypeAlias = tuple[Chain, KeyStatus]

_KEY: Final = Struct("<32s16sIIq")
"""Digest, id, number of its account, number of its terms, expiry in microseconds."""
_ID_AT: Final = 32
_ID_END: Final = 48

_WHERE: Final = Struct("<16s2s")
"""A key's id, and the beginning of its digest, which tells where its row lies."""

_NO_ROWS: Final = PackedRows(_KEY.size)
_NOWHERE: Final = PackedRows(_WHERE.size)

_NEVER: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_UNKNOWN: Final = SafeUUID.unknown
_SETTERS: Final = [vars(Key)[each.name].__set__ for each in fields(Key)]
_new: Final = object.__new__
_set_int, _set_safety = (vars(UUID)[name].__set__ for name in ("int", "is_safe"))
(_set_id, _set_account_id, _set_digest, _set_peppers) = _SETTERS[:4]
(_set_status, _set_scopes, _set_networks, _set_expires_at) = _SETTERS[4:8]
(_set_requests_per_minute, _set_tokens_per_minute) = _SETTERS[8:]


class Terms(NamedTuple):
    """What many keys have in common: most have no limits of their own, and then none is kept."""

    peppers: Chain
    status: KeyStatus
    scopes: Set[Endpoint]
    networks: tuple[Network, ...]
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class SharedTerms:
    """A number for each combination that was ever met, never taken back.

    All states of one directory share it: a reader of an earlier state still finds what it needs.
    `plain` has them once more as what Python takes apart soonest.
    """

    def __init__(self, known: Iterable[Terms] = ()) -> None:
        self.known = list(known)
        self.plain = [tuple(terms) for terms in self.known]
        self._numbers = {terms: number for number, terms in enumerate(self.known)}

    def number(self, terms: Terms) -> int:
        """Return the number of these terms."""
        number = self._numbers.get(terms)
        if number is None:
            number = self._numbers[terms] = len(self.known)
            self.known.append(terms)
            self.plain.append(tuple(terms))
        return number


@dataclass(frozen=True, slots=True, eq=False)
class PackedKeys:
    """Keys, found by digest or by id; never changed in place.

    `uses` counts them by the chain of peppers that they were made under, and their status. Rows
    refer to the first `terms_count` of the shared `terms`.
    """

    count: int = 0
    uses: Mapping[Use, int] = field(default_factory=dict)
    rows: PackedRows = _NO_ROWS
    where: PackedRows = _NOWHERE
    terms: SharedTerms = field(default_factory=SharedTerms)
    terms_count: int = 0

    def find(self, digest: bytes) -> bytes | None:
        """Return the row of the key with this digest."""
        return self.rows.find(digest, digest)

    def find_id(self, key_id: bytes) -> bytes | None:
        """Return the row of the key with this id."""
        found = self.where.find(_id_place(key_id), key_id)
        if found is None:
            return None
        return self.rows.find(found[-2:], key_id, _ID_AT)

    def unpack(self, row: bytes, accounts: PackedAccounts) -> tuple[Key, Account]:
        """Return a row's key and its account."""
        digest, key_id, account_number, terms_number, expiry = _KEY.unpack(row)
        account = accounts.at(account_number)
        made = _new(UUID)  # without its constructor's checks, which take three times as long
        _set_int(made, int.from_bytes(key_id))
        _set_safety(made, _UNKNOWN)
        peppers, status, scopes, networks, requests, tokens = self.terms.plain[terms_number]
        # What Key(...) does, in half the time: each look-up makes one.
        key = _new(Key)
        _set_id(key, made)
        _set_account_id(key, account.id)
        _set_digest(key, digest)
        _set_peppers(key, peppers)
        _set_status(key, status)
        _set_scopes(key, scopes)
        _set_networks(key, networks)
        _set_expires_at(key, None if expiry == _NEVER else _EPOCH + timedelta(0, 0, expiry))
        _set_requests_per_minute(key, requests)
        _set_tokens_per_minute(key, tokens)
        return key, account

    def has_account(self, number: int) -> bool:
        """Tell whether any key is of the account of this number; looks through all of them."""
        return self.rows.has_anywhere(number.to_bytes(4, "little"), _ID_END)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.rows)

    def replace(
        self, changes: Mapping[KeyId, Key | None], accounts: PackedAccounts
    ) -> "PackedKeys":
        """Return the keys after changes; an id without a key is gone.

        Raises:
            BadDirectoryError: two keys would share a digest, or one has none of these accounts.
        """
        old = [row for key_id in changes if (row := self.find_id(key_id.bytes)) is not None]
        new = [self._pack(key, accounts) for key in changes.values() if key is not None]
        rows = self.rows.replace(map(_row_at, old), map(_row_at, new))
        if any(rows.has_two(row, row[:_ID_AT]) for row in new):
            raise BadDirectoryError("two keys share a digest")
        uses = Counter(self.uses)
        uses.subtract(map(self._use, old))
        uses.update(map(self._use, new))
        return replace(
            self,
            count=self.count - len(old) + len(new),
            uses=+uses,
            rows=rows,
            where=self.where.replace(map(_where_at, old), map(_where_at, new)),
            terms_count=len(self.terms.known),
        )

    def chains(self) -> tuple[Chain, ...]:
        """Return all chains in use, that of the most active keys first."""
        active: Counter[Chain] = Counter()
        for (chain, status), count in self.uses.items():
            active[chain] += count if status is KeyStatus.ACTIVE else 0
        return tuple(sorted(active, key=lambda chain: (-active[chain], chain)))

    def _use(self, row: bytes) -> Use:
        terms = self.terms.known[_KEY.unpack(row)[3]]
        return terms.peppers, terms.status

    def _pack(self, key: Key, accounts: PackedAccounts) -> bytes:
        account_number = accounts.number(key.account_id)
        if account_number is None:
            raise BadDirectoryError(f"key {key.id} has an unknown account")
        limits = key.requests_per_minute, key.tokens_per_minute
        terms = Terms(key.peppers, key.status, key.scopes, key.networks, *limits)
        expires_at = key.expires_at
        expiry = _NEVER if expires_at is None else (expires_at - _EPOCH) // _MICROSECOND
        terms_number = self.terms.number(terms)
        return _KEY.pack(key.digest, key.id.bytes, account_number, terms_number, expiry)


def _row_at(row: bytes) -> tuple[Place, bytes]:
    return row[:2], row  # digests are spread evenly by themselves


def _where_at(row: bytes) -> tuple[Place, bytes]:
    key_id = row[_ID_AT:_ID_END]
    return _id_place(key_id), key_id + row[:2]


def _id_place(key_id: bytes) -> Place:
    return (crc32(key_id) & 0xFFFF).to_bytes(2)
