"""Keys: rotated and revoked."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from authz.domain.administration.records import KeyListStatus, KeyRecord
from authz.domain.administration.refusals import InvalidFieldsError, PreconditionError
from authz.domain.directory import AccountStatus
from authz.service.admin.accounts import AccountChanges
from authz.service.admin.keys import Issued, KeyChanges, KeySpec, Revoked, Rotated
from tests.administration import Administration, ask

_HOUR = timedelta(hours=1)


async def _now(connection: asyncpg.Connection) -> datetime:
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


async def test_a_rotated_key_lives_on_for_its_grace_period(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """Both keys work until then, and each names the other."""
    old_id = str(issued.key.id)
    before = await _now(connection)
    rotated = await services.keys.rotate(ask(), old_id, _HOUR, None)
    after = await _now(connection)
    new, old = rotated.key, rotated.replaced
    assert old.expires_at is not None
    assert before + _HOUR <= old.expires_at <= after + _HOUR
    assert (new.replaces, old.replaced_by) == (old.id, new.id)
    assert (new.status, old.status) == (KeyListStatus.ACTIVE, KeyListStatus.ACTIVE)
    assert (new.name, new.environment, new.scopes) == (old.name, old.environment, old.scopes)
    assert rotated.secret not in (None, issued.secret)
    assert await services.keys.get(old_id) == old
    assert await services.keys.get(str(new.id)) == new


async def test_the_new_key_has_the_old_ones_limits(
    services: Administration, issued: Issued
) -> None:
    """Or a rotation would let a key starve others."""
    changes = KeyChanges(requests_per_minute=60, tokens_per_minute=1000)
    await services.keys.update(ask(), str(issued.key.id), changes)
    rotated = await services.keys.rotate(ask(), str(issued.key.id), _HOUR, None)
    for key in (rotated.key, rotated.replaced):
        assert (key.requests_per_minute, key.tokens_per_minute) == (60, 1000)


async def test_without_grace_the_old_key_ends_at_once(
    services: Administration, issued: Issued
) -> None:
    """It is revoked, not merely expired."""
    rotated = await services.keys.rotate(ask(), str(issued.key.id), timedelta(), None)
    assert rotated.replaced.status is KeyListStatus.REVOKED
    assert rotated.key.status is KeyListStatus.ACTIVE


async def _issue_until(services: Administration, expires_at: datetime) -> KeyRecord:
    spec = KeySpec("acme", "short", "dev", (), (), expires_at)
    return (await services.keys.issue(ask(), spec)).key


async def test_grace_never_outlasts_the_keys_own_expiry(
    services: Administration, issued: Issued
) -> None:
    """And the new key lives as long as the old one was made for."""
    key = await _issue_until(services, datetime.now(UTC) + _HOUR)
    rotated = await services.keys.rotate(ask(), str(key.id), 24 * _HOUR, None)
    assert rotated.replaced.expires_at == key.expires_at
    assert key.expires_at is not None
    assert rotated.key.expires_at is not None
    assert rotated.key.expires_at - rotated.key.created_at == key.expires_at - key.created_at


async def test_the_new_keys_expiry_can_be_given(services: Administration, issued: Issued) -> None:
    """It must lie ahead."""
    far = datetime(2090, 1, 1, tzinfo=UTC)
    rotated = await services.keys.rotate(ask(), str(issued.key.id), _HOUR, far)
    assert rotated.key.expires_at == far
    with pytest.raises(InvalidFieldsError, match="expire_time"):
        await services.keys.rotate(
            ask(), str(rotated.key.id), _HOUR, datetime(2020, 1, 1, tzinfo=UTC)
        )
    with pytest.raises(InvalidFieldsError, match="grace"):
        await services.keys.rotate(ask(), str(rotated.key.id), -_HOUR, None)


async def test_a_key_is_replaced_once(services: Administration, issued: Issued) -> None:
    """A second rotation would leave two heirs."""
    rotated = await services.keys.rotate(ask(), str(issued.key.id), _HOUR, None)
    with pytest.raises(PreconditionError, match=str(rotated.key.id)):
        await services.keys.rotate(ask(), str(issued.key.id), _HOUR, None)


async def test_a_key_that_is_over_is_not_rotated(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """Revoked, expired, or of an account that is closed."""
    key = await _issue_until(services, datetime.now(UTC) + _HOUR)
    await connection.execute("UPDATE keys SET expires_at = now() WHERE id = $1", key.id)
    with pytest.raises(PreconditionError, match="expired"):
        await services.keys.rotate(ask(), str(key.id), _HOUR, None)
    await services.keys.revoke(ask(), str(key.id), "")
    with pytest.raises(PreconditionError, match="revoked"):
        await services.keys.rotate(ask(), str(key.id), _HOUR, None)
    closed = AccountChanges(status=AccountStatus.CLOSED)
    await services.accounts.update(ask(), str(key.account_id), closed)
    with pytest.raises(PreconditionError, match="closed"):
        await services.keys.rotate(ask(), str(issued.key.id), _HOUR, None)


async def _last_change_of(connection: asyncpg.Connection, key: KeyRecord) -> int:
    number: int = await connection.fetchval(
        "SELECT max(number) FROM changes WHERE subject = $1", str(key.id)
    )
    return number


async def test_a_revocation_says_which_change_it_is(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """Whoever has applied that number refuses the key."""
    revoked = await services.keys.revoke(ask(), str(issued.key.id), "lost laptop")
    assert revoked.key.status is KeyListStatus.REVOKED
    assert revoked.key.revoked_at is not None
    assert revoked.number == await _last_change_of(connection, issued.key)


async def test_revoking_again_changes_nothing(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """And is waited for as the first time."""
    first = await services.keys.revoke(ask(), str(issued.key.id), "")
    again = await services.keys.revoke(ask(), str(issued.key.id), "")
    assert again == first
    assert await _last_change_of(connection, issued.key) == first.number


async def test_an_expired_key_can_be_revoked(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """Should a clock be wrong."""
    await connection.execute("UPDATE keys SET expires_at = now()")
    revoked = await services.keys.revoke(ask(), str(issued.key.id), "")
    assert revoked.key.status is KeyListStatus.REVOKED


async def test_rotating_and_revoking_at_once_leaves_one_of_two_states(
    services: Administration, issued: Issued
) -> None:
    """The old key is revoked in both, and has one heir, or none where it was revoked first."""
    spec = KeySpec("acme", "k", "dev", (), (), None)
    for _ in range(8):
        key_id = str((await services.keys.issue(ask(), spec)).key.id)
        outcomes = await asyncio.gather(
            services.keys.rotate(ask(), key_id, _HOUR, None),
            services.keys.revoke(ask(), key_id, ""),
            services.keys.rotate(ask(), key_id, _HOUR, None),
            return_exceptions=True,
        )
        heirs = [outcome for outcome in outcomes if isinstance(outcome, Rotated)]
        assert len(heirs) <= 1
        assert all(isinstance(each, Rotated | Revoked | PreconditionError) for each in outcomes)
        old = await services.keys.get(key_id)
        assert old.status is KeyListStatus.REVOKED
        assert old.replaced_by == (heirs[0].key.id if heirs else None)


async def test_many_changes_at_once_take_turns(services: Administration, issued: Issued) -> None:
    """More than there are connections; the audit counts every one and is whole."""
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            spec = KeySpec("acme", f"k{number}", "dev", (), (), None)
            group.create_task(services.keys.issue(ask(id=uuid4()), spec))
    results = [result async for result in services.audit.verify()]
    assert (results[-1].verified, results[-1].fault) == (42, None)
