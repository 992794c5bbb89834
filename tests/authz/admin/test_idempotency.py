"""The same request sent again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord
from authz.domain.administration.refusals import BusyError, RefusedError, RequestIdReusedError
from authz.domain.directory import AccountStatus
from authz.service.admin.accounts import AccountChanges, FirstKey, NewAccount
from authz.service.admin.keys import Issued, KeyChanges, KeySpec
from tests.administration import Administration, ask
from tests.authz.mail.doubles import FakeMailer

_HOUR = timedelta(hours=1)
_SPEC = KeySpec("acme", "again", "prod", (), (), None)


async def _count(connection: asyncpg.Connection) -> tuple[int, ...]:
    row = await connection.fetchrow("""
        SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM keys),
               (SELECT count(*) FROM audit), (SELECT count(*) FROM changes)
    """)
    assert row is not None
    return tuple(row.values())


async def test_issuing_again_makes_no_second_key(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """And cannot show the first one's text again."""
    change = ask()
    first = await services.keys.issue(change, _SPEC)
    counted = await _count(connection)
    again = await services.keys.issue(change, _SPEC)
    assert again == Issued(first.key, None)
    assert await _count(connection) == counted


async def test_rotating_again_makes_no_second_key(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """Both keys are told, as they are now."""
    change = ask()
    first = await services.keys.rotate(change, str(issued.key.id), _HOUR, None)
    counted = await _count(connection)
    again = await services.keys.rotate(change, str(issued.key.id), _HOUR, None)
    assert (again.key, again.secret, again.replaced) == (first.key, None, first.replaced)
    assert await _count(connection) == counted


async def test_creating_again_makes_no_second_account_and_sends_no_second_mail(
    services: Administration, mailer: FakeMailer, connection: asyncpg.Connection
) -> None:
    """The first key is told again, without its text."""
    change, new, key = ask(), NewAccount("acme", "a@b", "trial"), FirstKey("default", "prod")
    first = await services.accounts.create(change, new, key)
    counted = await _count(connection)
    assert await services.accounts.create(change, new, key) == first
    assert await _count(connection) == counted
    assert len(mailer.accepted) == 1


Change = Callable[[Administration, Issued], Awaitable[object]]


async def _suspend(services: Administration, _: Issued) -> None:
    change = ask()
    await services.accounts.suspend(change, "acme", "")
    await services.accounts.resume(ask(), "acme", "")
    assert (await services.accounts.suspend(change, "acme", "")).status is AccountStatus.ACTIVE


async def _suspend_when_suspended(services: Administration, _: Issued) -> None:
    change = ask()
    await services.accounts.suspend(ask(), "acme", "")
    await services.accounts.suspend(change, "acme", "")
    await services.accounts.resume(ask(), "acme", "")
    assert (await services.accounts.suspend(change, "acme", "")).status is AccountStatus.ACTIVE


async def _update_account(services: Administration, issued: Issued) -> None:
    change, account_id = ask(), str(issued.key.account_id)
    await services.accounts.update(change, account_id, AccountChanges(tier="scale"))
    await services.accounts.update(ask(), account_id, AccountChanges(tier="trial"))
    again = await services.accounts.update(change, account_id, AccountChanges(tier="scale"))
    assert again.tier == "trial"


async def _update_key(services: Administration, issued: Issued) -> None:
    change, key_id = ask(), str(issued.key.id)
    await services.keys.update(change, key_id, KeyChanges(name="one"))
    await services.keys.update(ask(), key_id, KeyChanges(name="two"))
    assert (await services.keys.update(change, key_id, KeyChanges(name="one"))).name == "two"


async def _upsert_tier(services: Administration, _: Issued) -> None:
    change = ask()
    await services.tiers.upsert(change, "trial", {"items_max": 1})
    await services.tiers.upsert(ask(), "trial", {"items_max": 2})
    tier, created = await services.tiers.upsert(change, "trial", {"items_max": 1})
    assert (tier.items_max, created) == (2, False)


async def _revoke_leaked(services: Administration, issued: Issued) -> None:
    change = ask()
    assert issued.secret is not None
    first = await services.keys.revoke_leaked(change, issued.secret, "paste", "ada")
    assert await services.keys.revoke_leaked(change, issued.secret, "paste", "ada") == first


@pytest.mark.parametrize(
    "change",
    [_suspend, _suspend_when_suspended, _update_account, _update_key, _upsert_tier, _revoke_leaked],
)
async def test_a_request_that_comes_late_again_changes_nothing(
    services: Administration, issued: Issued, change: Change
) -> None:
    """What was done since stays done, even where the first time found nothing to do."""
    await change(services, issued)


async def test_a_request_id_belongs_to_one_request(
    services: Administration, acme: AccountRecord
) -> None:
    """Neither another content nor another method may use it."""
    request_id = uuid4()
    await services.accounts.suspend(ask("Suspend", id=request_id), "acme", "")
    with pytest.raises(RequestIdReusedError):
        await services.accounts.suspend(ask("Suspend", id=request_id, content="other"), "acme", "")
    with pytest.raises(RequestIdReusedError):
        await services.accounts.resume(ask("Resume", id=request_id), "acme", "")
    assert (await services.accounts.get("acme")).status is AccountStatus.SUSPENDED


async def test_the_same_request_twice_at_once_is_done_once(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """One of the two shows the text."""
    change = ask()
    both = await asyncio.gather(*(services.keys.issue(change, _SPEC) for _ in range(2)))
    assert both[0].key == both[1].key
    assert sorted(issued.secret is None for issued in both) == [False, True]
    assert (await _count(connection))[1] == 1


async def test_the_same_creation_twice_at_once_is_done_once(
    services: Administration, mailer: FakeMailer, connection: asyncpg.Connection
) -> None:
    """The other is told to try again, and nobody gets two mails."""
    change, new, key = ask(), NewAccount("acme", "a@b", "trial"), FirstKey("default", "prod")
    both = await asyncio.gather(
        *(services.accounts.create(change, new, key) for _ in range(2)), return_exceptions=True
    )
    assert all(isinstance(each, BusyError | tuple) for each in both)
    assert len(mailer.accepted) == 1
    assert (await _count(connection))[:3] == (1, 1, 1)


async def test_a_refused_request_leaves_no_trace(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """And can be sent again, when it can be done."""
    counted, change = await _count(connection), ask()
    spec = KeySpec("later", "k", "prod", (), (), None)
    with pytest.raises(RefusedError):
        await services.keys.issue(change, spec)
    assert await _count(connection) == counted
    await services.accounts.create(ask(), NewAccount("later", "", "trial"), None)
    assert (await services.keys.issue(change, spec)).secret is not None
