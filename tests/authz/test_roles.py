"""Who may do what in the database, found by trying everything as a log-in with one role.

Each table and function must be named here for both roles, so a new one is not forgotten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg
import pytest

from tests.authz.logins import ADMIN, DATA, login

_ALL: Final = "*"

_SELECT: Final = {"SELECT": _ALL}
_SELECT_INSERT: Final = {"SELECT": _ALL, "INSERT": _ALL}
_SELECT_DELETE: Final = {"SELECT": _ALL, "DELETE": _ALL}
_SELECT_WRITE: Final = {"SELECT": _ALL, "INSERT": _ALL, "UPDATE": _ALL}
_EVERYTHING: Final = _SELECT_WRITE | {"DELETE": _ALL}

_ALLOWED: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    DATA: {
        "account_tiers": {},
        "accounts": {"SELECT": "id name tier status"},
        "audit": {},
        "audit_head": {},
        "changes": _SELECT,
        "decisions": {"INSERT": _ALL},
        "invoice_lines": {},
        "invoices": {},
        "key_rehashes": {"INSERT": _ALL},
        "key_uses": _SELECT_WRITE,
        "keys": {
            "SELECT": "id account_id digest pepper_id wrapped_under status scopes networks"
            " expires_at requests_per_minute tokens_per_minute"
        },
        "ledger_history": {},
        "leases": {},
        "notices": {},
        "peppers": {},
        "prices": {},
        "processes": _EVERYTHING,
        "quotas": {},
        "schema_migrations": _SELECT,
        "tiers": _SELECT,
        "traffic_minutes": _SELECT_WRITE,
        "usage_hours": _SELECT,
        "usage_minutes": _SELECT,
    },
    ADMIN: {
        "account_tiers": _SELECT,
        "accounts": _SELECT_WRITE,
        "audit": {"SELECT": _ALL, "INSERT": _ALL},
        "audit_head": _SELECT_WRITE,
        "changes": {"SELECT": _ALL, "INSERT": _ALL, "DELETE": _ALL},
        "decisions": _SELECT,
        "invoice_lines": _SELECT_INSERT,
        "invoices": _SELECT_INSERT,
        "key_rehashes": _SELECT_DELETE,
        "key_uses": _SELECT,
        "keys": _EVERYTHING,
        "ledger_history": {},
        "leases": _SELECT,
        "notices": _EVERYTHING,
        "peppers": _SELECT_WRITE,
        "prices": _SELECT_INSERT,
        "processes": _SELECT_DELETE,
        "quotas": _SELECT,
        "schema_migrations": _SELECT,
        "tiers": _SELECT_WRITE,
        "traffic_minutes": _SELECT,
        "usage_hours": _SELECT,
        "usage_minutes": _SELECT,
    },
}

_CALLABLE: Final = {
    DATA: {"answer_asks", "merge_usage"},
    ADMIN: {
        "drop_decision_partitions",
        "drop_usage_partitions",
        "lock_directory",
        "make_decision_partitions",
        "make_usage_partitions",
        "prune_quotas",
    },
}

_BY_COLUMN: Final = {
    "SELECT": "SELECT {column} FROM {table} LIMIT 0",
    "INSERT": "INSERT INTO {table} ({column}) SELECT NULL WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = NULL WHERE false",
}
_BY_TABLE: Final = {
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table}",
    "TRIGGER": "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_truncate()",
    "LOCK": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
}

_NEVER: Final = (
    "CREATE TABLE public.mine ()",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE FUNCTION public.mine() RETURNS void LANGUAGE sql AS ''",
    "ALTER TABLE keys DISABLE TRIGGER ALL",
    "ALTER TABLE audit DISABLE TRIGGER audit_kept",
    "ALTER FUNCTION record_change() RENAME TO mine",
    "DROP TABLE quotas",
    "GRANT tessera_admin TO CURRENT_USER",
    "GRANT tessera_data TO CURRENT_USER",
    "SET ROLE tessera",
    "SET session_replication_role = replica",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY tiers TO PROGRAM 'true'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tessera'",
)

_SELECT_COLUMNS: Final = """
    SELECT relname, array_agg(quote_ident(attname)) AS columns
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
       AND NOT relispartition
       AND attnum > 0 AND NOT attisdropped
     GROUP BY relname
"""

_SELECT_PARTITIONS: Final = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relispartition
"""

_SELECT_FUNCTIONS: Final = """
    SELECT proname, concat_ws(', ', VARIADIC array_fill('NULL'::text, ARRAY[pronargs])) AS arguments
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""

each_role = pytest.mark.parametrize("role", [DATA, ADMIN])


@dataclass(frozen=True, slots=True)
class _Attempts:
    """What one log-in can do, found by doing it and taking it back."""

    connection: asyncpg.Connection

    async def succeeds(self, statement: str) -> bool:
        """Tell whether a statement is let through; whatever else stops it comes later."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await self.connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return False
        except asyncpg.PostgresError:
            return True
        finally:
            await transaction.rollback()
        return True

    async def columns(self, table: str, verb: str, columns: Iterable[str]) -> set[str]:
        """Return the columns for which a verb is let through."""
        statement = _BY_COLUMN[verb]
        return {
            column
            for column in columns
            if await self.succeeds(statement.format(table=table, column=column))
        }

    async def verbs(self, table: str) -> set[str]:
        """Return the verbs that are let through for the whole table."""
        return {
            verb
            for verb, statement in _BY_TABLE.items()
            if await self.succeeds(statement.format(table=table))
        }


@each_role
async def test_each_column_and_table_is_allowed_here_or_refused(
    migrated_url: str, connection: asyncpg.Connection, role: str
) -> None:
    """Every table of the catalog, every column of it, every verb."""
    tables = {
        row["relname"]: set(row["columns"]) for row in await connection.fetch(_SELECT_COLUMNS)
    }
    found: dict[str, dict[str, set[str]]] = {}
    async with login(migrated_url, role) as other:
        attempts = _Attempts(other)
        for table, columns in tables.items():
            found[table] = {
                verb: await attempts.columns(table, verb, columns) for verb in _BY_COLUMN
            }
            found[table]["*"] = await attempts.verbs(table)
    assert found == {table: _expected(role, table, tables[table]) for table in tables}
    assert set(_ALLOWED[role]) == set(tables)


def _expected(role: str, table: str, columns: set[str]) -> dict[str, set[str]]:
    allowed = _ALLOWED[role].get(table, {})
    expected = {verb: _columns(allowed.get(verb, ""), columns) for verb in _BY_COLUMN}
    whole = {"DELETE"} & set(allowed)
    # Whoever may change a table may lock it; that is no privilege that could be taken away.
    if {"UPDATE", "DELETE"} & set(allowed):
        whole.add("LOCK")
    return expected | {"*": whole}


def _columns(allowed: str, columns: set[str]) -> set[str]:
    return columns if allowed == _ALL else set(allowed.split())


@each_role
async def test_partitions_are_reached_by_their_table_alone(
    migrated_url: str, connection: asyncpg.Connection, role: str
) -> None:
    """What is granted for a table holds for all in it, and for a partition by itself nothing is."""
    names = [row["relname"] for row in await connection.fetch(_SELECT_PARTITIONS)]
    async with login(migrated_url, role) as other:
        attempts = _Attempts(other)
        reached = [name for name in names if await attempts.verbs(name)]
        read = [name for name in names if await attempts.columns(name, "SELECT", ["tableoid"])]
    assert names
    assert reached == read == []


@each_role
async def test_each_function_is_allowed_here_or_refused(
    migrated_url: str, connection: asyncpg.Connection, role: str
) -> None:
    """PostgreSQL lets everyone call a new function until that is taken away."""
    functions = await connection.fetch(_SELECT_FUNCTIONS)
    async with login(migrated_url, role) as other:
        attempts = _Attempts(other)
        found = {
            row["proname"]
            for row in functions
            if await attempts.succeeds(f"SELECT {row['proname']}({row['arguments']})")
        }
    assert found == _CALLABLE[role]


@each_role
@pytest.mark.parametrize("statement", _NEVER)
async def test_no_role_can_change_the_rules(migrated_url: str, role: str, statement: str) -> None:
    """Neither make, drop nor disarm anything, nor reach beyond the database."""
    async with login(migrated_url, role) as other:
        assert not await _Attempts(other).succeeds(statement)
