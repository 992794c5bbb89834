"""One process's usage on its own disk: what was written is there after `kill -9`."""

import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import uuid4

from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.charge import MINUTE, Charge, User
from authz.domain.usage.pending import Pending
from authz.domain.usage.position import Position
from authz.domain.usage.refund import Refund
from authz.domain.usage.tally import NOTHING, Tally
from authz.storage.journal_file import JournalFile, read_facts, write_facts
from authz.storage.journal_schema import check, seal
from authz.storage.usage_counters import add_to_counter

_SLOTS_MAX: Final = 100_000
_SLOT_BITS: Final = 62
_OUR_ID: Final = re.compile("req_[0-9a-f]{32}")

_Row: TypeAlias = tuple[int, bytes | str, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Ages:
    """How long things are kept, in microseconds."""

    refundable: int = 10 * MINUTE
    counters: int = 2 * 24 * 60 * MINUTE
    counters_if_half_full: int = 60 * MINUTE


class UsageJournal:
    """Charges, which are added up into counters, and kept a while for refunds.

    Each start, and each file, counts under a writer's name of its own. So a file that was copied,
    or restored, or lost its end with the machine, or was damaged and begun anew, cannot make what
    is counted from now on look counted already.

    `clock` returns microseconds since 1970.
    """

    def __init__(self, file: JournalFile, clock: Callable[[], int], ages: Ages) -> None:
        self._file = file
        self._clock = clock
        self._ages = ages
        self._writer = uuid4().bytes
        self._generation = 0
        self._next = 1
        self._slots: dict[User, int] = {}
        self._unfolded = 0

    def write(self, request_id: str, user: User, tokens: int, *, is_leased: bool) -> Charge:
        """Write a charge down.

        Raises:
            UsageUnavailableError: it is not written, or nobody knows whether it is.
        """
        file = self._file
        if file.is_full:
            raise UsageUnavailableError
        connection = file.connection
        try:
            if self._generation != file.generation:
                self._learn(connection)
            # A number whose row may have failed is never used again.
            number, self._next = self._next, self._next + 1
            slot = self._slots.get(user) or self._find_slot(connection, user)
            at = self._clock()
            row = number, pack_request_id(request_id), at, slot, tokens, int(is_leased)
            connection.execute(_INSERT_CHARGE, (*row, seal(*row)))
        except sqlite3.Error as error:
            raise file.fail(error) from error
        self._unfolded += 1
        return Charge(number, at, tokens, is_leased)

    def fold(self, rows_max: int) -> bool:
        """Add the oldest charges to their minutes' counters; return whether there may be more.

        Raises:
            UsageUnavailableError: nothing was changed.
        """
        if self._generation == self._file.generation and not self._unfolded:
            return False
        with self._file.transaction() as connection:
            self._learn(connection)
            rows = connection.execute(_SELECT_CHARGES, (rows_max,)).fetchall()
            for (minute, slot), tally in _sum(rows).items():
                add_to_counter(connection, minute, slot, tally)
            last = (rows[-1][0] if rows else 0,)
            # A full file is emptied only if nothing is added to it: better no refund than no count.
            if not self._file.is_full:
                connection.execute(_MAKE_REFUNDABLE, last)
            connection.execute(_DELETE_CHARGES, last)
        self._unfolded -= len(rows)
        return len(rows) == rows_max

    def find(self, request_id: str) -> Sequence[Charge]:
        """Return what a request was charged and may be refunded, of what is folded.

        Raises:
            UsageUnavailableError: it cannot be read now.
        """
        with self._file.reading() as connection:
            rows = connection.execute(_SELECT_REFUNDABLE, (pack_request_id(request_id),)).fetchall()
            return [_parse(row) for row in rows]

    def refund(self, refunds: Sequence[Refund], position: Position) -> None:
        """Take charges back, each once, and remember how far failures were read: all or nothing.

        Raises:
            UsageUnavailableError: nothing was changed.
        """
        with self._file.transaction() as connection:
            for refund in refunds:
                number = (refund.charge.number,)
                for (slot,) in connection.execute(_TAKE_REFUNDABLE, number).fetchall():
                    minute = refund.charge.at // MINUTE
                    add_to_counter(connection, minute, slot, refund.tally)
            write_facts(connection, {"file": str(position.file), "offset": str(position.offset)})

    def read_position(self) -> Position | None:
        """Return how far failures were read; nothing where they never were.

        Raises:
            UsageUnavailableError: it cannot be read now.
        """
        with self._file.reading() as connection:
            facts = read_facts(connection)
        if "offset" not in facts:
            return None
        return Position(int(facts["file"]), int(facts["offset"]))

    def forget(self, rows_max: int) -> bool:
        """Delete what is too old to be of use; return whether there may be more.

        Raises:
            UsageUnavailableError: nothing was changed.
        """
        now, ages = self._clock(), self._ages
        counters = ages.counters_if_half_full if self._file.is_half_full else ages.counters
        with self._file.transaction() as connection:
            # A clock that was set back leaves charges of the future, which would stay for long.
            span = now - ages.refundable, now + ages.refundable
            charges = connection.execute(_FORGET_REFUNDABLE, (rows_max, *span)).rowcount
            oldest = (now - counters) // MINUTE
            counted = connection.execute(_FORGET_COUNTERS, (oldest, rows_max)).rowcount
        return rows_max in (charges, counted)

    def pending(self) -> Pending:
        """Return what PostgreSQL does not have yet.

        Raises:
            UsageUnavailableError: it cannot be read now.
        """
        with self._file.reading() as connection:
            unsent, minute = connection.execute(_SELECT_UNSENT).fetchone()
            (at,) = connection.execute(_SELECT_FIRST_CHARGE).fetchone()
            (refused,) = connection.execute(_COUNT_REFUSED).fetchone()
        since = [each for each in (at, None if minute is None else minute * MINUTE) if each]
        return Pending(self._unfolded + unsent, refused, min(since, default=None))

    def _learn(self, connection: sqlite3.Connection) -> None:
        """Find out what is in the file, if it is another than before."""
        if self._generation == self._file.generation:
            return
        (last,) = connection.execute(_SELECT_LAST).fetchone()
        (self._unfolded,) = connection.execute(_COUNT_CHARGES).fetchone()
        self._next = max(self._next, last + 1)
        self._slots.clear()
        self._writer = uuid4().bytes
        self._generation = self._file.generation

    def _find_slot(self, connection: sqlite3.Connection, user: User) -> int:
        key = self._writer, user.account_id.bytes, user.key_id.bytes, user.model
        row = connection.execute(_SELECT_SLOT, key).fetchone()
        if row is None:
            slot = secrets.randbits(_SLOT_BITS) | 1  # never 0
            connection.execute(_INSERT_SLOT, (slot, *key, seal(slot, *key)))
        else:
            slot, kept = row
            check(kept, slot, *key)
        if len(self._slots) >= _SLOTS_MAX:
            self._slots.clear()
        self._slots[user] = slot
        return int(slot)


_INSERT_CHARGE: Final = """
    INSERT INTO charges (number, request, at, slot, tokens, leased, seal)
         VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_SELECT_CHARGES: Final = """
    SELECT number, request, at, slot, tokens, leased, seal FROM charges ORDER BY number LIMIT ?
"""
_MAKE_REFUNDABLE: Final = "INSERT INTO refundable SELECT * FROM charges WHERE number <= ?"
_DELETE_CHARGES: Final = "DELETE FROM charges WHERE number <= ?"
_SELECT_REFUNDABLE: Final = """
    SELECT number, request, at, slot, tokens, leased, seal FROM refundable
     WHERE request = ? ORDER BY number
"""
_TAKE_REFUNDABLE: Final = "DELETE FROM refundable WHERE number = ? RETURNING slot"
_FORGET_REFUNDABLE: Final = """
    DELETE FROM refundable
     WHERE number IN (SELECT number FROM refundable ORDER BY number LIMIT ?)
       AND at NOT BETWEEN ? AND ?
"""
_FORGET_COUNTERS: Final = """
    DELETE FROM counters
     WHERE (minute, slot) IN (SELECT minute, slot FROM counters
                               WHERE minute < ? AND state = 0 ORDER BY minute, slot LIMIT ?)
"""
_SELECT_LAST: Final = """
    SELECT max(coalesce((SELECT max(number) FROM charges), 0),
               coalesce((SELECT max(number) FROM refundable), 0))
"""
_COUNT_CHARGES: Final = "SELECT count(*) FROM charges"
_SELECT_FIRST_CHARGE: Final = "SELECT (SELECT at FROM charges ORDER BY number LIMIT 1)"
_SELECT_UNSENT: Final = "SELECT count(*), min(minute) FROM counters WHERE state = 1"
_COUNT_REFUSED: Final = "SELECT count(*) FROM counters WHERE state = 2"
_SELECT_SLOT: Final = """
    SELECT slot, seal FROM slots
     WHERE writer = ? AND account_id = ? AND key_id = ? AND model = ?
"""
_INSERT_SLOT: Final = """
    INSERT INTO slots (slot, writer, account_id, key_id, model, seal) VALUES (?, ?, ?, ?, ?, ?)
"""


def pack_request_id(request_id: str) -> bytes | str:
    """Return an id as it is kept: ours in less than half of its length, any other as it is."""
    if _OUR_ID.fullmatch(request_id) is None:
        return request_id
    return bytes.fromhex(request_id[4:])


def _sum(rows: Sequence[_Row]) -> Mapping[tuple[int, int], Tally]:
    """Add charges up by minute and slot."""
    sums: dict[tuple[int, int], Tally] = {}
    for row in rows:
        check(row[-1], *row[:-1])
        _, _, at, slot, tokens, _, _ = row
        place = at // MINUTE, slot
        sums[place] = sums.get(place, NOTHING) + Tally(requests=1, tokens=tokens)
    return sums


def _parse(row: _Row) -> Charge:
    check(row[-1], *row[:-1])
    number, _, at, _, tokens, leased, _ = row
    return Charge(number, at, tokens, bool(leased))
