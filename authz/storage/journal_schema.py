"""What is in the file of a usage journal, and how it is known to be what was written."""

import sqlite3
from pathlib import Path
from typing import Final
from uuid import uuid4
from zlib import crc32

_VERSION: Final = 1
_PUT_ASIDE_MAX: Final = 3
_ASIDE: Final = ".damaged-"
_CACHE_KIB: Final = 16 * 1024
_PAGE_BYTES: Final = 4096
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CODE: Final = 0xFF
"""Of an error code the part that says what kind of error it is."""

# A slot names a user and a writer by a number that is never given again, so no page that is older
# than the others can make one user's charge another's. Charges are moved to `refundable` when they
# are added to the counters, and deleted there when they are refunded or too old: where a row is
# tells all about it, and each step is one transaction. Only `refundable` is indexed, for it is not
# written while a request waits.
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS slots (
        slot INTEGER PRIMARY KEY,
        writer BLOB NOT NULL, account_id BLOB NOT NULL, key_id BLOB NOT NULL, model TEXT NOT NULL,
        seal INTEGER NOT NULL,
        UNIQUE (writer, account_id, key_id, model)
    );
    CREATE TABLE IF NOT EXISTS charges (
        number INTEGER PRIMARY KEY,
        request NOT NULL, at INTEGER NOT NULL, slot INTEGER NOT NULL, tokens INTEGER NOT NULL,
        leased INTEGER NOT NULL, seal INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS refundable (
        number INTEGER PRIMARY KEY,
        request NOT NULL, at INTEGER NOT NULL, slot INTEGER NOT NULL, tokens INTEGER NOT NULL,
        leased INTEGER NOT NULL, seal INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS refundable_request ON refundable (request);
    CREATE TABLE IF NOT EXISTS counters (
        minute INTEGER NOT NULL, slot INTEGER NOT NULL,
        requests INTEGER NOT NULL, tokens INTEGER NOT NULL, failures INTEGER NOT NULL,
        refunded_requests INTEGER NOT NULL, refunded_tokens INTEGER NOT NULL,
        returned_tokens INTEGER NOT NULL,
        state INTEGER NOT NULL, seal INTEGER NOT NULL,
        PRIMARY KEY (minute, slot)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS counters_unsent ON counters (minute) WHERE state = 1;
    CREATE TABLE IF NOT EXISTS facts (
        name TEXT PRIMARY KEY, value TEXT NOT NULL, seal INTEGER NOT NULL
    ) WITHOUT ROWID;
"""


class DamagedError(sqlite3.DatabaseError):
    """What is in the file was not written by us."""


def seal(*values: object) -> int:
    """Return the checksum that is kept with a row: SQLite has none of its own."""
    return crc32(repr(values).encode())


def check(kept: int, *values: object) -> None:
    """Raise `DamagedError` unless these values were sealed so."""
    if seal(*values) != kept:
        raise DamagedError("a row is not what was written")


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error means that the file is of no use any more, and not only for now."""
    if isinstance(error, DamagedError):
        return True
    return getattr(error, "sqlite_errorcode", 0) & _CODE in _DAMAGE


def open_file(path: Path, bytes_max: int) -> sqlite3.Connection:
    """Open the file, made where there is none.

    Without `synchronous` SQLite leaves it to the kernel when to write to the disk: the end of the
    process loses nothing, however it ends.

    Raises:
        OSError: it cannot be made.
        sqlite3.Error: it cannot be used, or not now; `is_damage` tells which.
    """
    path.touch(0o600)  # SQLite makes its log readable by the same
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        for pragma in (
            "locking_mode = EXCLUSIVE",
            f"page_size = {_PAGE_BYTES}",
            "journal_mode = WAL",
            "synchronous = OFF",
            f"cache_size = -{_CACHE_KIB}",
            f"max_page_count = {max(1, bytes_max // _PAGE_BYTES)}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        _check_file(connection)
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_file(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise DamagedError(f"it is of version {version}")
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise DamagedError("its structure is damaged")


def measure_file(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file are in use."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * _PAGE_BYTES


def put_aside(path: Path) -> Path:
    """Rename a file that is damaged, and what SQLite keeps beside it; of older ones keep a few.

    Raises:
        OSError: it is there still.
    """
    before = [file for file in path.parent.glob(f"{path.name}{_ASIDE}*") if not _is_log(file)]
    before.sort(key=lambda file: file.stat().st_mtime)
    for old in before[: max(0, len(before) - _PUT_ASIDE_MAX + 1)]:
        old.unlink()
        _log_of(old).unlink(missing_ok=True)
    aside = path.with_name(f"{path.name}{_ASIDE}{uuid4().hex[:8]}")
    path.replace(aside)
    if _log_of(path).exists():
        _log_of(path).replace(_log_of(aside))
    return aside


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _is_log(path: Path) -> bool:
    return path.name.endswith("-wal")
