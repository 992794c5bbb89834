"""The counters of a journal: what PostgreSQL is told, and what it has."""

import sqlite3
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from authz.domain.directory import AccountId, KeyId
from authz.domain.usage.charge import User
from authz.domain.usage.tally import NOTHING, Counter, Tally
from authz.storage.journal_file import JournalFile, read_facts, write_facts
from authz.storage.journal_schema import DamagedError, check, seal


class _State(IntEnum):
    CONFIRMED = 0
    UNSENT = 1
    REFUSED = 2


class UsageCounters:
    """Reads counters, and takes note of what became of them."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def unsent(self, rows_max: int) -> Sequence[Counter]:
        """Return the oldest counters that are not known to be in PostgreSQL as they are.

        Raises:
            UsageUnavailableError: they cannot be read now.
        """
        with self._file.reading() as connection:
            return [_parse(row) for row in connection.execute(_SELECT_UNSENT, (rows_max,))]

    def after(self, minute: int, slot: int, rows_max: int) -> Sequence[Counter]:
        """Return counters of any state in order, from the one after this minute and slot on.

        Raises:
            UsageUnavailableError: they cannot be read now.
        """
        with self._file.reading() as connection:
            rows = connection.execute(_SELECT_AFTER, (minute, slot, rows_max)).fetchall()
            return [_parse(row) for row in rows]

    def note_answer(self, told: Sequence[Counter], refused: Sequence[Counter]) -> None:
        """Note that PostgreSQL has counters as they were read, but for those that it refused.

        What has changed meanwhile is to be told again.

        Raises:
            UsageUnavailableError: nothing was changed.
        """
        with self._file.transaction() as connection:
            for state, counters in ((_State.CONFIRMED, told), (_State.REFUSED, refused)):
                for each in counters:
                    _write_state(connection, each, state)

    def read_server(self) -> str | None:
        """Return which start of PostgreSQL has all that is confirmed.

        Raises:
            UsageUnavailableError: it cannot be read now.
        """
        with self._file.reading() as connection:
            return read_facts(connection).get("server")

    def write_server(self, server: str) -> None:
        """Note which start of PostgreSQL has all that is confirmed.

        Raises:
            UsageUnavailableError: nothing was changed.
        """
        with self._file.transaction() as connection:
            write_facts(connection, {"server": server})


_SELECT_COUNTER: Final = """
    SELECT requests, tokens, failures, refunded_requests, refunded_tokens, returned_tokens, state,
           seal
      FROM counters WHERE minute = ? AND slot = ?
"""
_WRITE_COUNTER: Final = """
    INSERT OR REPLACE INTO counters
           (minute, slot, requests, tokens, failures, refunded_requests, refunded_tokens,
            returned_tokens, state, seal)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def add_to_counter(connection: sqlite3.Connection, minute: int, slot: int, tally: Tally) -> None:
    """Add to the counter of a minute and a slot, even a new one. Raises `sqlite3.Error`."""
    row = connection.execute(_SELECT_COUNTER, (minute, slot)).fetchone()
    before = NOTHING
    if row is not None:
        check(row[-1], minute, slot, *row[:-1])
        before = Tally(*row[:-2])
    values = minute, slot, *_values(before + tally), int(_State.UNSENT)
    connection.execute(_WRITE_COUNTER, (*values, seal(*values)))


_SELECT_UNSENT: Final = """
    SELECT minute, slot, writer, account_id, key_id, model, requests, tokens, failures,
           refunded_requests, refunded_tokens, returned_tokens, state, counters.seal, slots.seal
      FROM counters LEFT JOIN slots USING (slot)
     WHERE state = 1 ORDER BY minute LIMIT ?
"""
_SELECT_AFTER: Final = """
    SELECT minute, slot, writer, account_id, key_id, model, requests, tokens, failures,
           refunded_requests, refunded_tokens, returned_tokens, state, counters.seal, slots.seal
      FROM counters LEFT JOIN slots USING (slot)
     WHERE (minute, slot) > (?, ?) ORDER BY minute, slot LIMIT ?
"""
# As it was read: with other numbers it is to be told again.
_WRITE_STATE: Final = """
    UPDATE counters SET state = ?, seal = ?
     WHERE minute = ? AND slot = ? AND requests = ? AND tokens = ? AND failures = ?
       AND refunded_requests = ? AND refunded_tokens = ? AND returned_tokens = ?
"""


def _write_state(connection: sqlite3.Connection, counter: Counter, state: _State) -> None:
    values = counter.minute, counter.slot, *_values(counter.tally)
    connection.execute(_WRITE_STATE, (int(state), seal(*values, int(state)), *values))


def _parse(row: tuple[Any, ...]) -> Counter:
    minute, slot, writer, account_id, key_id, model, *values, state, counter_seal, slot_seal = row
    if slot_seal is None:
        raise DamagedError("a counter is nobody's")
    check(slot_seal, slot, writer, account_id, key_id, model)
    check(counter_seal, minute, slot, *values, state)
    user = User(AccountId(UUID(bytes=account_id)), KeyId(UUID(bytes=key_id)), model)
    return Counter(minute, slot, user, UUID(bytes=writer), Tally(*values))


def _values(tally: Tally) -> tuple[int, ...]:
    return (
        *(tally.requests, tally.tokens, tally.failures),
        *(tally.refunded_requests, tally.refunded_tokens, tally.returned_tokens),
    )
