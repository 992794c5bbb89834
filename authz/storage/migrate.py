"""Brings the schema up to date: plain SQL files, in order, each once, forward only."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Final

import asyncpg

from authz.storage.failures import as_database_error

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('tessera.migrate'))"

_CREATE_LOG: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        number     integer PRIMARY KEY,
        name       text NOT NULL,
        checksum   text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


class ChangedMigrationError(Exception):
    """A migration that was applied is not what its file says now."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `checksum` is over its bytes."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the file in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations() -> list[Migration]:
    """Return all migrations in order."""
    folder = resources.files("authz.storage") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=_by_name)
    return [Migration(int(file.name[:4]), file.name, file.read_text("utf-8")) for file in files]


def expected_version() -> int:
    """Return the schema version that this code was written for."""
    return read_migrations()[-1].number


async def migrate(connection: asyncpg.Connection) -> list[Migration]:
    """Apply what is missing, all or nothing, and return it. Any number may run this at once.

    A database that is newer than this code is left alone: the previous release still runs on it.

    Raises:
        ChangedMigrationError: a file was edited after it was applied.
        DatabaseError: PostgreSQL failed.
    """
    with as_database_error():
        async with connection.transaction():
            await connection.execute(_LOCK)
            await connection.execute(_CREATE_LOG)
            applied = await _read_applied(connection)
            missing = [one for one in read_migrations() if not _is_applied(one, applied)]
            for migration in missing:
                await _apply(connection, migration)
    return missing


_SELECT_APPLIED: Final = "SELECT number, checksum FROM schema_migrations"


async def _read_applied(connection: asyncpg.Connection) -> dict[int, str]:
    return {row["number"]: row["checksum"] for row in await connection.fetch(_SELECT_APPLIED)}


def _is_applied(migration: Migration, applied: dict[int, str]) -> bool:
    checksum = applied.get(migration.number)
    if checksum not in (None, migration.checksum):
        raise ChangedMigrationError(
            f"{migration.name} was applied with other content; migrations are never edited"
        )
    return checksum is not None


_INSERT_APPLIED: Final = """
    INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)
"""


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(migration.sql)
    await connection.execute(_INSERT_APPLIED, migration.number, migration.name, migration.checksum)


_SELECT_VERSION: Final = "SELECT max(number) FROM schema_migrations"


async def read_version(connection: asyncpg.Connection) -> int:
    """Return the schema's version, 0 where it was never migrated."""
    with as_database_error():
        try:
            return await connection.fetchval(_SELECT_VERSION) or 0
        except asyncpg.UndefinedTableError:
            return 0


def _by_name(file: resources.abc.Traversable) -> str:
    return file.name
