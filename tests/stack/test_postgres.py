"""The database server of the stack and of the tests."""

import asyncpg

from tests.conftest import CreateDatabase


async def test_server_is_postgres_18(postgres_url: str) -> None:
    """The version that the product is run on in production is the one that is tested."""
    connection = await asyncpg.connect(postgres_url)
    try:
        assert connection.get_server_version().major == 18
    finally:
        await connection.close()


async def test_server_listens_on_no_tcp_port(postgres_url: str) -> None:
    """The only way in is the socket's folder, which belongs to one user."""
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SHOW listen_addresses") == ""
    finally:
        await connection.close()


async def test_database_is_cloned_from_its_template(create_database: CreateDatabase) -> None:
    """A migrated database is made once and copied for each test."""
    template = await create_database()
    connection = await asyncpg.connect(template)
    await connection.execute("CREATE TABLE marks (mark int)")
    name = await connection.fetchval("SELECT current_database()")
    await connection.close()
    clone = await asyncpg.connect(await create_database(name))
    try:
        assert await clone.fetchval("SELECT count(*) FROM marks") == 0
    finally:
        await clone.close()
