"""Reads the directory from PostgreSQL: all of it in pieces, or at once what changed."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from authz.domain.directory import (
    AccountId,
    BadDirectoryError,
    Delta,
    KeyId,
    PepperId,
    Tier,
)
from authz.domain.packed_directory import Directory
from authz.storage.directory_fields import KeyParser, by_id, parse_account, parse_tier

_CHUNK_ROWS: Final = 1000
"""Read and applied without a pause: some ten milliseconds in which no check is answered."""

_CHANGES_MAX: Final = 10_000
"""More changes than this are not worth reading one by one."""

_SELECT_NUMBER: Final = "SELECT coalesce(max(number), 0) FROM changes"

_SELECT_TIERS: Final = """
    SELECT name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max, endpoints,
           models, enforcement
      FROM tiers
"""

_SELECT_ACCOUNTS: Final = "SELECT id, name, tier, status FROM accounts"

_SELECT_KEYS: Final = """
    SELECT id, account_id, digest, pepper_id, wrapped_under, status, scopes, networks,
           nullif(expires_at, 'infinity') AS expires_at, requests_per_minute, tokens_per_minute
      FROM keys
"""


async def read_all(
    connection: asyncpg.Connection, known_peppers: frozenset[PepperId], keys_max: int
) -> Directory:
    """Return the directory as it is now.

    Raises:
        BadDirectoryError: a rule is broken, or there are more than `keys_max` keys.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        number = await connection.fetchval(_SELECT_NUMBER)
        tiers = by_id(map(parse_tier, await connection.fetch(_SELECT_TIERS)), lambda one: one.name)
        directory = Directory(number).apply(Delta(number, tiers, {}, {}))
        async for rows in _read_chunks(connection, _SELECT_ACCOUNTS):
            accounts = by_id(map(parse_account, rows), lambda one: one.id)
            directory = directory.apply(Delta(number, {}, accounts, {}))
        parser, count = KeyParser(known_peppers), 0
        async for rows in _read_chunks(connection, _SELECT_KEYS):
            keys = by_id(map(parser.parse, rows), lambda one: one.id)
            directory = directory.apply(Delta(number, {}, {}, keys))
            count += len(keys)
            check_count(count, keys_max)
    if count != directory.key_count:
        raise BadDirectoryError("a key appears twice")
    return directory


def check_count(count: int, keys_max: int) -> None:
    """Raise `BadDirectoryError` where there are more than `keys_max` keys."""
    if count > keys_max:
        raise BadDirectoryError(f"there are more than {keys_max} keys")


async def _read_chunks(
    connection: asyncpg.Connection, statement: str
) -> AsyncIterator[list[asyncpg.Record]]:
    cursor = await connection.cursor(statement)
    while rows := await cursor.fetch(_CHUNK_ROWS):
        yield rows


# One statement sees one state of the database, so no transaction around it is needed, and a change
# is known after one round trip. Ids go in as an array: the keys are then found by their index,
# however few or many PostgreSQL believes to have changed.
_SELECT_CHANGES: Final = """
    WITH range AS (
        SELECT coalesce(max(number), 0) AS newest FROM changes
    ), since AS MATERIALIZED (
        SELECT kind, subject, follows = lag(number, 1, $1) OVER (ORDER BY number) AS fits
          FROM changes
         WHERE number > $1
         ORDER BY number
         LIMIT $2 + 1
    ), news AS MATERIALIZED (
        SELECT DISTINCT kind, subject FROM since
    )
    SELECT (SELECT newest FROM range) AS newest,
           (SELECT count(*) <= $2 AND coalesce(bool_and(fits), true) FROM since) AS is_all,
           (SELECT json_object_agg(kind, subjects)
              FROM (SELECT kind, array_agg(subject) AS subjects FROM news GROUP BY kind) AS one
           ) AS subjects,
           (SELECT json_agg(one) FROM (
                SELECT name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max,
                       endpoints, models, enforcement
                  FROM tiers
                 WHERE name = ANY (ARRAY(SELECT subject FROM news WHERE kind = 'tier'))
           ) AS one) AS tiers,
           (SELECT json_agg(one) FROM (
                SELECT id, name, tier, status
                  FROM accounts
                 WHERE id = ANY (ARRAY(SELECT subject::uuid FROM news WHERE kind = 'account'))
           ) AS one) AS accounts,
           (SELECT json_agg(one) FROM (
                SELECT id, account_id, encode(digest, 'hex') AS digest, pepper_id, wrapped_under,
                       status, scopes, networks, nullif(expires_at, 'infinity') AS expires_at,
                       requests_per_minute, tokens_per_minute
                  FROM keys
                 WHERE id = ANY (ARRAY(SELECT subject::uuid FROM news WHERE kind = 'key'))
           ) AS one) AS keys
"""


async def read_changes(
    connection: asyncpg.Connection, after: int, known_peppers: frozenset[PepperId]
) -> Delta | None:
    """Return what changed after a change's number.

    Nothing where there is too much of it, or where no row of changes leads there from `after`: old
    ones are pruned, and the last ones are lost where a server failed over.

    Raises:
        BadDirectoryError: a row breaks a rule.
    """
    row = await connection.fetchrow(_SELECT_CHANGES, after, _CHANGES_MAX)
    assert row is not None  # noqa: S101 it selects one row from nothing
    if not row["is_all"]:
        return None
    subjects: Mapping[str, list[str]] = _load(row["subjects"]) or {}
    tiers = by_id(map(parse_tier, _load(row["tiers"])), lambda one: one.name)
    accounts = by_id(map(parse_account, _load(row["accounts"])), lambda one: one.id)
    keys = by_id(map(KeyParser(known_peppers).parse, _load(row["keys"])), lambda one: one.id)
    return Delta(
        row["newest"],
        tiers=_with_gone(subjects.get("tier", ()), tiers),
        accounts={id_: accounts.get(id_) for id_ in map(_account_id, subjects.get("account", ()))},
        keys={id_: keys.get(id_) for id_ in map(_key_id, subjects.get("key", ()))},
    )


def _load(text: str | None) -> Any:  # noqa: ANN401 parsed by whoever asks
    return orjson.loads(text) if text is not None else []


def _with_gone(names: Iterable[str], tiers: Mapping[str, Tier]) -> dict[str, Tier | None]:
    return {name: tiers.get(name) for name in names}


def _account_id(subject: str) -> AccountId:
    return AccountId(UUID(subject))


def _key_id(subject: str) -> KeyId:
    return KeyId(UUID(subject))
