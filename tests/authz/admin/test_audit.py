"""The audit: written with each change, listed, and verified against whoever owns the database."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from authz.domain.administration.audit import Verification
from authz.domain.administration.audit_chain import Head
from authz.domain.administration.records import AccountRecord, PageRequest
from authz.domain.administration.refusals import InvalidFieldsError, PreconditionError
from authz.domain.directory import AccountStatus
from authz.domain.pepper import Peppers
from authz.service.admin.keys import Issued, KeySpec
from authz.storage.admin.head_file import HeadFile
from contract.keys import PATTERN
from tests.administration import ACTOR, Administration, ask
from tests.authz.admin.conftest import FIRST_PEPPER, SECOND_PEPPER

_SPEC = KeySpec("acme", "k", "prod", (), (), None)


async def _verify(services: Administration) -> Verification:
    return [step async for step in services.audit.verify()][-1]


def _forget(head_file: Path) -> Head:
    """Remove what is remembered, as whoever put the database back on purpose does."""
    head = HeadFile(head_file).recall()
    assert head is not None
    head_file.unlink()
    return head


async def test_each_change_is_one_entry(services: Administration, issued: Issued) -> None:
    """Who, from where, what, before and after, without a key or a digest."""
    change = ask("RevokeKey")
    await services.keys.revoke(change, str(issued.key.id), f"leaked: {issued.secret}")
    newest, *_ = (await services.audit.list(PageRequest(10))).items
    assert (newest.actor, newest.role, newest.address) == (ACTOR.name, ACTOR.role, ACTOR.address)
    assert (newest.method, newest.request_id) == ("RevokeKey", change.id)
    assert (newest.subject_kind, newest.subject) == ("key", str(issued.key.id))
    assert newest.before is not None
    assert newest.after is not None
    before, after = json.loads(newest.before), json.loads(newest.after)
    assert (before["status"], after["status"]) == ("active", "revoked")
    assert list(after) == sorted(after)
    assert not re.search(PATTERN, newest.after)
    assert after["reason"].startswith("leaked: sk-tesse")


async def test_entries_are_listed_newest_first_page_by_page(
    services: Administration, issued: Issued
) -> None:
    """Though others are added in between."""
    for _ in range(3):
        await services.keys.issue(ask(), _SPEC)
    first = await services.audit.list(PageRequest(3))
    await services.keys.issue(ask(), _SPEC)
    second = await services.audit.list(PageRequest(3, first.next_token))
    assert [entry.number for entry in first.items + second.items] == [5, 4, 3, 2, 1]
    assert second.next_token is None


async def test_entries_are_filtered(services: Administration, issued: Issued) -> None:
    """By subject and by actor; a token belongs to its filter."""
    by_subject = await services.audit.list(PageRequest(10), subject=str(issued.key.id))
    assert [entry.number for entry in by_subject.items] == [2]
    assert (await services.audit.list(PageRequest(10), actor="eve")).items == ()
    page = await services.audit.list(PageRequest(1), actor=ACTOR.name)
    with pytest.raises(InvalidFieldsError):
        await services.audit.list(PageRequest(1, page.next_token))


async def test_an_audit_without_entries_is_whole(services: Administration) -> None:
    """It has nothing to hide."""
    assert await _verify(services) == Verification(0, 0, done=True, head=bytes(32))


async def test_a_whole_audit_is_verified_step_by_step(
    services: Administration, issued: Issued
) -> None:
    """And each step says how far it is."""
    for _ in range(6):
        await services.keys.issue(ask(), _SPEC)
    steps = [step async for step in services.audit.verify()]
    assert [(step.verified, step.total, step.done) for step in steps] == [
        (3, 8, False),
        (6, 8, False),
        (8, 8, False),
        (8, 8, True),
    ]
    assert steps[-1].fault is None
    newest, *_ = (await services.audit.list(PageRequest(1))).items
    assert steps[-1].head == newest.hash


async def test_the_audit_cannot_be_rewritten_by_its_own_role(
    admin_url: str, services: Administration, issued: Issued
) -> None:
    """Nor by an owner who forgets what the table is for."""
    for statement in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "TRUNCATE audit"):
        async with services.pool.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


Tamper = Callable[[asyncpg.Connection], Awaitable[object]]


def _sql(statements: str) -> Tamper:
    return lambda connection: connection.execute(statements)


async def _cut_with_an_older_head(connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM audit WHERE number = 8")
    await connection.execute(
        "UPDATE audit_head SET (number, hash, pepper_id, seal) ="
        " (SELECT number, hash, pepper_id, seal FROM older_head)"
    )


_MOVE = """
    UPDATE audit SET number = -1, request_id = gen_random_uuid() WHERE number = {0};
    UPDATE audit SET number = {0} WHERE number = {1};
    UPDATE audit SET number = {1} WHERE number = -1;
"""
_SLIP_IN = """
    INSERT INTO audit SELECT {0}, at, actor, role, address, method, subject_kind, subject,
                             gen_random_uuid(), request_digest, before, after, hash
      FROM audit WHERE number = 4
"""


@pytest.mark.parametrize(
    ("tamper", "number"),
    [
        (_sql("UPDATE audit SET actor = 'eve' WHERE number = 4"), 4),
        (_sql("UPDATE audit SET at = at + interval '1 microsecond' WHERE number = 1"), 1),
        (_sql("UPDATE audit SET before = '{}' WHERE number = 8"), 8),
        (_sql("UPDATE audit SET hash = sha256('x') WHERE number = 8"), 8),
        (_sql("DELETE FROM audit WHERE number = 1"), 1),
        (_sql("DELETE FROM audit WHERE number = 5"), 5),
        (_sql("DELETE FROM audit WHERE number = 8"), 8),
        (_sql("DELETE FROM audit WHERE number > 3"), 4),
        (_sql("DELETE FROM audit"), 1),
        (_sql("DELETE FROM audit; DELETE FROM audit_head"), 1),
        (_sql(_MOVE.format(4, 5)), 4),
        (_sql(_SLIP_IN.format(9)), 9),
        (_sql(_SLIP_IN.format(0)), 0),
        (_sql(_SLIP_IN.format(-7)), -7),
        (_sql("DELETE FROM audit_head"), 8),
        (_sql("UPDATE audit_head SET number = 7"), 7),
        (_sql("UPDATE audit_head SET hash = sha256('x')"), 8),
        (_sql("UPDATE audit_head SET seal = sha256('x')"), 8),
        (_sql("UPDATE audit_head SET pepper_id = '00000000'"), 8),
        (_cut_with_an_older_head, 8),
    ],
)
async def test_whatever_is_done_to_the_audit_shows(
    services: Administration,
    acme: AccountRecord,
    connection: asyncpg.Connection,
    tamper: Tamper,
    number: int,
) -> None:
    """By a superuser, with the triggers off; and nothing more is added to it."""
    for _ in range(6):
        await services.keys.issue(ask(), _SPEC)
    await connection.execute("CREATE TEMP TABLE older_head AS SELECT * FROM audit_head")
    await services.keys.issue(ask(), _SPEC)
    await connection.execute("SET session_replication_role = replica")
    await tamper(connection)
    verification = await _verify(services)
    assert (verification.done, verification.fault_number) == (True, number)
    assert verification.fault


async def test_nothing_is_added_to_an_audit_that_is_not_as_it_was_left(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """The next seal would make it look right."""
    await services.keys.issue(ask(), _SPEC)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("UPDATE audit_head SET seal = sha256('x')")
    before = await connection.fetchval("SELECT count(*) FROM keys")
    with pytest.raises(PreconditionError, match="not sealed by us"):
        await services.keys.issue(ask(), _SPEC)
    assert await connection.fetchval("SELECT count(*) FROM keys") == before


_BACKUP = """
    CREATE TEMP TABLE older_keys AS SELECT * FROM keys;
    CREATE TEMP TABLE older_audit AS SELECT * FROM audit;
    CREATE TEMP TABLE older_head AS SELECT * FROM audit_head;
"""
_RESTORE = """
    SET session_replication_role = replica;
    DELETE FROM keys; DELETE FROM audit; DELETE FROM audit_head;
    INSERT INTO keys SELECT * FROM older_keys;
    INSERT INTO audit SELECT * FROM older_audit;
    INSERT INTO audit_head SELECT * FROM older_head;
"""


async def test_a_database_put_back_to_an_older_state_is_told(
    services: Administration, issued: Issued, connection: asyncpg.Connection, head_file: Path
) -> None:
    """A key that was revoked since works again: no change is made until somebody has seen to it."""
    await connection.execute(_BACKUP)
    await services.keys.revoke(ask(), str(issued.key.id), "")
    await connection.execute(_RESTORE)
    verification = await _verify(services)
    assert verification.fault is not None
    assert "put back to an older state" in verification.fault
    with pytest.raises(PreconditionError, match="put back to an older state"):
        await services.keys.revoke(ask(), str(issued.key.id), "")
    _forget(head_file)
    await services.keys.revoke(ask(), str(issued.key.id), "")
    assert (await _verify(services)).fault is None


async def test_a_database_that_was_put_back_and_went_on_is_told(
    services: Administration, issued: Issued, connection: asyncpg.Connection, head_file: Path
) -> None:
    """Though it has more entries than were seen."""
    await connection.execute(_BACKUP)
    await services.keys.rotate(ask(), str(issued.key.id), timedelta(), None)
    seen = _forget(head_file)
    await connection.execute(_RESTORE)
    for _ in range(3):
        await services.keys.issue(ask(), _SPEC)
    _forget(head_file)
    HeadFile(head_file).remember(seen)
    assert (await _verify(services)).fault_number == 3


async def test_verifying_remembers_what_was_seen(
    services: Administration, issued: Issued, head_file: Path
) -> None:
    """On a machine that has written nothing itself."""
    written = _forget(head_file)
    await _verify(services)
    assert HeadFile(head_file).recall() == written


async def test_the_end_is_sealed_under_the_pepper_that_keys_are_made_under(
    services: Administration, other_process: Administration, issued: Issued
) -> None:
    """A newer one in this process's file may not be in the other's yet, and both make changes."""
    services.peppers.peppers = Peppers.parse(f"{FIRST_PEPPER}\n{SECOND_PEPPER}")
    await services.accounts.suspend(ask(), "acme", "")
    assert (await other_process.accounts.resume(ask(), "acme", "")).status is AccountStatus.ACTIVE
