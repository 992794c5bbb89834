"""Digests that the data plane proposes for wrapped keys."""

import asyncio

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord
from authz.domain.directory import KeyId
from authz.domain.pepper import Peppers
from authz.service.admin.keys import KeySpec
from tests.administration import Administration, ask
from tests.authz.admin.conftest import FIRST_PEPPER, SECOND_PEPPER

_TWO = Peppers.parse(f"{FIRST_PEPPER}\n{SECOND_PEPPER}")
_FIRST, _SECOND = _TWO.ids
_SPEC = KeySpec("acme", "k", "prod", (), (), None)

Wrapped = tuple[KeyId, str]


@pytest.fixture
async def wrapped(services: Administration, acme: AccountRecord) -> list[Wrapped]:
    """Two keys that were made under the first pepper and wrapped under the second."""
    issued = [await services.keys.issue(ask(), _SPEC) for _ in range(2)]
    services.peppers.peppers = _TWO
    assert [step async for step in services.rotation.rotate(ask())][-1].done
    return [(each.key.id, each.secret or "") for each in issued]


async def _propose(
    connection: asyncpg.Connection, key_id: KeyId, inner: bytes, pepper_id: str, digest: bytes
) -> None:
    await connection.execute(
        "INSERT INTO key_rehashes VALUES ($1, $2, $3, $4)", key_id, inner, pepper_id, digest
    )


async def _read(connection: asyncpg.Connection, key_id: KeyId) -> tuple[object, ...]:
    row = await connection.fetchrow(
        "SELECT digest, pepper_id, wrapped_under FROM keys WHERE id = $1", key_id
    )
    assert row is not None
    return tuple(row.values())


async def test_a_proven_digest_takes_the_place_of_the_wrapped_one(
    services: Administration, wrapped: list[Wrapped], connection: asyncpg.Connection
) -> None:
    """From then on the key needs one pepper, and the old one can be retired when all do."""
    for key_id, text in wrapped:
        inner, digest = _TWO[_FIRST].digest_key(text), _TWO[_SECOND].digest_key(text)
        await _propose(connection, key_id, inner, _SECOND, digest)
        await services.rehashes.apply()
        assert await _read(connection, key_id) == (digest, _SECOND, [])
    assert await connection.fetchval("SELECT count(*) FROM key_rehashes") == 0
    await services.rotation.retire(ask(), _FIRST)
    assert await services.keys.revoke_leaked(ask(), wrapped[0][1], "here", "ada") is not None


async def test_a_digest_that_proves_nothing_is_dropped(
    services: Administration, wrapped: list[Wrapped], connection: asyncpg.Connection
) -> None:
    """A wrong inner digest, a pepper that is not current, or a key that is not wrapped."""
    (key_id, text), (other_id, other_text) = wrapped
    inner, digest = _TWO[_FIRST].digest_key(text), _TWO[_SECOND].digest_key(text)
    before = [await _read(connection, each) for each in (key_id, other_id)]
    await _propose(connection, key_id, _TWO[_FIRST].digest_key(other_text), _SECOND, digest)
    await _propose(connection, other_id, inner, _SECOND, digest)
    await services.rehashes.apply()
    await _propose(connection, key_id, inner, _FIRST, inner)
    await services.rehashes.apply()
    assert [await _read(connection, each) for each in (key_id, other_id)] == before
    assert await connection.fetchval("SELECT count(*) FROM key_rehashes") == 0
    issued = await services.keys.issue(ask(), _SPEC)
    plain = await _read(connection, issued.key.id)
    await _propose(connection, issued.key.id, bytes(32), _SECOND, bytes(32))
    await services.rehashes.apply()
    assert await _read(connection, issued.key.id) == plain


async def test_no_digest_is_given_twice(
    services: Administration, wrapped: list[Wrapped], connection: asyncpg.Connection
) -> None:
    """A proposal of another key's digest stops neither the others nor that key."""
    (key_id, text), (other_id, other_text) = wrapped
    taken = await services.keys.issue(ask(), _SPEC)
    stolen = _TWO[_SECOND].digest_key(taken.secret or "")
    good = _TWO[_SECOND].digest_key(other_text)
    await _propose(connection, key_id, _TWO[_FIRST].digest_key(text), _SECOND, stolen)
    await _propose(connection, other_id, _TWO[_FIRST].digest_key(other_text), _SECOND, good)
    before = await _read(connection, key_id)
    await services.rehashes.apply()
    assert await _read(connection, key_id) == before
    assert await _read(connection, other_id) == (good, _SECOND, [])


async def test_a_proposal_that_a_wrap_overtakes_is_dropped(
    services: Administration, wrapped: list[Wrapped], connection: asyncpg.Connection
) -> None:
    """It waits for whoever changes the directory, and looks at the key only then."""
    (key_id, text), _ = wrapped
    inner, digest = _TWO[_FIRST].digest_key(text), _TWO[_SECOND].digest_key(text)
    await _propose(connection, key_id, inner, _SECOND, digest)
    async with connection.transaction():
        await connection.execute("SELECT lock_directory()")
        applying = asyncio.create_task(services.rehashes.apply())
        await asyncio.sleep(0.05)
        await connection.execute(
            "UPDATE keys SET digest = sha256(digest), wrapped_under = wrapped_under || '{deadbeef}'"
            " WHERE id = $1",
            key_id,
        )
        overtaken = await _read(connection, key_id)
    await applying
    assert await _read(connection, key_id) == overtaken
