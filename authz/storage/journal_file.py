"""The file of a usage journal, from start to stop: damaged, full, away and back again."""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from authz.domain.undecided import UsageUnavailableError
from authz.storage.journal_schema import (
    check,
    is_damage,
    measure_file,
    open_file,
    put_aside,
    seal,
)

_SPARE: Final = 1.25
"""The file may grow by so much beyond what is meant to be in it: a full one has to be emptied."""

_log = structlog.get_logger()


class JournalFile:
    """One connection to the file, for one thread.

    A file that turns out to be damaged is put aside, and a new one begun. What cannot be used now
    is tried again with each `tend`. `boot` names this start of the machine.
    """

    def __init__(self, path: Path, bytes_max: int, free_bytes_min: int, boot: UUID) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._free_bytes_min = free_bytes_min
        self._boot = str(boot)
        self._connection: sqlite3.Connection | None = None
        self._failure: str | None = None
        self.used_bytes = 0
        self.is_full = False
        self.put_aside = 0
        """How many files were."""
        self.generation = 0
        """Another with each file: what is known of its content is of that file alone."""
        self.tend()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection.

        Raises:
            UsageUnavailableError: there is none now.
        """
        if self._connection is None:
            raise UsageUnavailableError
        return self._connection

    @property
    def is_half_full(self) -> bool:
        """Whether what is kept only in case is better kept for less long."""
        return self.used_bytes > self._bytes_max // 2

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection.

        Raises:
            UsageUnavailableError: there is none, or what was done with it failed.
        """
        try:
            yield self.connection
        except sqlite3.Error as error:
            raise self.fail(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, in a transaction.

        Raises:
            UsageUnavailableError: nothing was changed.
        """
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def fail(self, error: sqlite3.Error) -> UsageUnavailableError:
        """Take note of what SQLite could not do; return what to raise."""
        self._note(error)
        if is_damage(error):
            self._begin_anew()
        return UsageUnavailableError()

    def tend(self) -> None:
        """Open the file if it is not, and look how full it is; to be called every few seconds."""
        if self._connection is None:
            self._open()
        if self._connection is None:
            return
        try:
            self.used_bytes = measure_file(self._connection)
            free_bytes = shutil.disk_usage(self._path.parent).free
        except (OSError, sqlite3.Error) as error:
            self._note(error)
            return
        self._failure = None
        is_full = self.used_bytes >= self._bytes_max or free_bytes < self._free_bytes_min
        if is_full and not self.is_full:
            _log.error("journal.filled", used_bytes=self.used_bytes, free_bytes=free_bytes)
        self.is_full = is_full

    def close(self) -> None:
        """Write no more."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> None:
        try:
            self._connection = self._connect()
        except (OSError, sqlite3.Error) as error:
            self._note(error)
            if isinstance(error, sqlite3.Error) and is_damage(error):
                self._begin_anew()
            return
        self.generation += 1

    def _begin_anew(self) -> None:
        """Put the damaged file aside; a new one is begun at once, or with the next `tend`."""
        self.close()
        try:
            aside = put_aside(self._path)
            self.put_aside += 1
            _log.error("journal.put_aside", file=str(aside))
            self._connection = self._connect()
        except (OSError, sqlite3.Error) as error:
            self._note(error)
            return
        self.generation += 1

    def _connect(self) -> sqlite3.Connection:
        connection = open_file(self._path, int(self._bytes_max * _SPARE))
        try:
            boot = read_facts(connection).get("boot", self._boot)
            _clear_up(connection, after_loss=boot != self._boot)
            write_facts(connection, {"boot": self._boot})
        except BaseException:
            connection.close()
            raise
        return connection

    def _note(self, error: Exception) -> None:
        """Say why, once."""
        why = str(error)
        if why != self._failure:
            _log.error("journal.failed", why=why)
        self._failure = why


# After the machine was lost, pages of different moments may lie beside each other. Counters are
# totals, and an older one is merely known already; but was a charge added to them, or not?
_FORGET_CHARGES: Final = ("DELETE FROM charges", "DELETE FROM refundable")
_FORGET_STRANGERS: Final = "DELETE FROM counters WHERE slot NOT IN (SELECT slot FROM slots)"
_FORGET_SLOTS: Final = """
    DELETE FROM slots WHERE slot NOT IN (SELECT slot FROM counters)
                        AND slot NOT IN (SELECT slot FROM charges)
                        AND slot NOT IN (SELECT slot FROM refundable)
"""


def _clear_up(connection: sqlite3.Connection, *, after_loss: bool) -> None:
    """Delete slots that nothing refers to, and what a lost machine left in doubt."""
    statements = (*_FORGET_CHARGES, _FORGET_STRANGERS) if after_loss else ()
    for statement in (*statements, _FORGET_SLOTS):
        connection.execute(statement)


_SELECT_FACTS: Final = "SELECT name, value, seal FROM facts"
_WRITE_FACT: Final = "INSERT OR REPLACE INTO facts (name, value, seal) VALUES (?, ?, ?)"


def read_facts(connection: sqlite3.Connection) -> dict[str, str]:
    """Return what is known besides rows. Raises `sqlite3.Error`."""
    rows = connection.execute(_SELECT_FACTS).fetchall()
    for name, value, kept in rows:
        check(kept, name, value)
    return {name: value for name, value, _ in rows}


def write_facts(connection: sqlite3.Connection, facts: Mapping[str, str]) -> None:
    """Write facts down, each in the place of the one before. Raises `sqlite3.Error`."""
    rows = [(name, value, seal(name, value)) for name, value in facts.items()]
    connection.executemany(_WRITE_FACT, rows)
