"""The roles that processes log in as are made by the command that makes the schema."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from authz.storage.logins import NoLoginError, Plane, TooPowerfulError, ensure_logins
from tests.authz.running import Setup


@pytest.fixture
def setup(database_url: str, model_folder: Path) -> Iterator[Setup]:
    """An empty database and a folder."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), database_url, model_folder)


@pytest.fixture
async def role(connection: asyncpg.Connection) -> AsyncIterator[str]:
    """A name that nobody has; whatever is made of it is removed, for roles are the server's."""
    name = f'odd "name"; DROP TABLE keys; -- {uuid4().hex[:8]}'
    yield name
    await connection.execute('DROP ROLE IF EXISTS "' + name.replace('"', '""') + '"')


async def _planes(connection: asyncpg.Connection, role: str) -> dict[str, bool]:
    query = "SELECT pg_has_role($1, $2, 'USAGE')"
    return {plane.name: await connection.fetchval(query, role, plane) for plane in Plane}


async def test_a_login_has_the_rights_of_its_plane_alone(
    connection: asyncpg.Connection, role: str
) -> None:
    """Whatever its name looks like; and asking again changes nothing."""
    for _ in range(2):
        await ensure_logins(connection, {role: Plane.DATA})
        assert await _planes(connection, role) == {"DATA": True, "ADMIN": False}
    row = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", role)
    assert row is not None
    assert row["rolcanlogin"]
    may = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication")
    assert [row[right] for right in may] == [False] * len(may)


async def test_a_role_that_is_there_keeps_what_it_was_given(
    connection: asyncpg.Connection, role: str
) -> None:
    """Its password and its limits are of whoever made it; it gains the membership."""
    quoted = '"' + role.replace('"', '""') + '"'
    await connection.execute(f"CREATE ROLE {quoted} LOGIN CONNECTION LIMIT 7")
    await ensure_logins(connection, {role: Plane.ADMIN})
    limit = await connection.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", role)
    assert limit == 7
    assert await _planes(connection, role) == {"DATA": False, "ADMIN": True}


async def test_a_role_that_cannot_log_in_is_refused(
    connection: asyncpg.Connection, role: str
) -> None:
    """It is somebody's group, and not ours to open."""
    quoted = '"' + role.replace('"', '""') + '"'
    await connection.execute(f"CREATE ROLE {quoted} NOLOGIN")
    with pytest.raises(NoLoginError, match="cannot log in"):
        await ensure_logins(connection, {role: Plane.DATA})


async def test_a_role_that_may_more_is_refused(connection: asyncpg.Connection, role: str) -> None:
    """Else a process that should only read keys would make some; the owner may everything."""
    await ensure_logins(connection, {role: Plane.ADMIN})
    owner = await connection.fetchval("SELECT current_user::text")
    for name in (role, owner):
        with pytest.raises(TooPowerfulError, match="has more rights"):
            await ensure_logins(connection, {name: Plane.DATA})
    assert await _planes(connection, role) == {"DATA": False, "ADMIN": True}


async def test_the_command_makes_them(
    setup: Setup, connection: asyncpg.Connection, role: str
) -> None:
    """With the schema, any number of times."""
    for _ in range(2):
        assert setup.run("migrate", "--login", f"data={role}").returncode == 0
    assert await _planes(connection, role) == {"DATA": True, "ADMIN": False}


def test_one_role_is_not_of_two_planes(setup: Setup) -> None:
    """It would have the rights of both."""
    done = setup.run("migrate", "--login", "data=a", "--login", "admin=a")
    assert done.returncode == 2
    assert "each role is of one kind" in done.stderr


@pytest.mark.parametrize("login", ["data", "data=", "king=x", f"data={'x' * 64}", "admin=pg_x"])
def test_what_is_no_login_is_refused_before_anything_is_done(setup: Setup, login: str) -> None:
    """In a sentence that says what is expected."""
    done = setup.run("migrate", "--login", login)
    assert done.returncode == 2
    assert "expected data=ROLE or admin=ROLE" in done.stderr
