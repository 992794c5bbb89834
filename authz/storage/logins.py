"""Makes the roles that processes log in as, each with the rights of its plane and no more."""

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Final

import asyncpg

from authz.storage.failures import as_database_error

_NAME_BYTES_MAX: Final = 63


class Plane(StrEnum):
    """What a process does to the database; the value is the group role that may."""

    DATA = "tessera_data"
    ADMIN = "tessera_admin"


# The server quotes the names: no text of ours could be taken for SQL.
_WRITE_CREATE: Final = "SELECT format('CREATE ROLE %I LOGIN', $1::text)"
_WRITE_GRANT: Final = "SELECT format('GRANT %I TO %I', $1::text, $2::text)"

_SELECT_LOGIN: Final = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"

# A superuser is a member of every role, and the owner of the schema one of itself.
_SELECT_POWER: Final = """
    SELECT bool_or(pg_has_role($1::name, other, 'MEMBER'))
      FROM (SELECT oid FROM pg_roles WHERE rolname = ANY ($2::text[]) OR rolname = current_user
           ) AS others (other)
"""


class NoLoginError(Exception):
    """A role of this name is there already, and nobody can log in as it."""


class TooPowerfulError(Exception):
    """A role of this name is there already, with rights that no process of its plane needs."""


def parse_role_name(text: str) -> str:
    """Return a role's name. Raises `ValueError` where PostgreSQL would take or make another."""
    if not text or "\0" in text or len(text.encode()) > _NAME_BYTES_MAX or text.startswith("pg_"):
        raise ValueError(text)
    return text


async def ensure_logins(connection: asyncpg.Connection, logins: Mapping[str, Plane]) -> None:
    """Make what is missing; any number may run this at once. Passwords are not ours to give.

    Raises:
        DatabaseError: PostgreSQL failed, or does not let us.
        NoLoginError: a name belongs to a role of another kind.
        TooPowerfulError: a name belongs to a role of another plane, or to the schema's owner.
    """
    with as_database_error():
        for name, plane in logins.items():
            await _ensure_login(connection, name)
            await _check_power(connection, name, plane)
            await connection.execute(await connection.fetchval(_WRITE_GRANT, plane, name))


async def _ensure_login(connection: asyncpg.Connection, name: str) -> None:
    can_log_in = await connection.fetchval(_SELECT_LOGIN, name)
    if can_log_in is None:
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):  # made just now
            await connection.execute(await connection.fetchval(_WRITE_CREATE, name))
    elif not can_log_in:
        raise NoLoginError(f"The role {name} is there already, and cannot log in")


async def _check_power(connection: asyncpg.Connection, name: str, plane: Plane) -> None:
    others = [other.value for other in Plane if other is not plane]
    if await connection.fetchval(_SELECT_POWER, name, others):
        raise TooPowerfulError(
            f"The role {name} is there already, and has more rights than {plane}; name another"
        )
