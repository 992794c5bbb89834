"""Warnings: sent until a mail server has accepted them."""

import asyncio
from datetime import timedelta

import asyncpg

from authz.domain.administration.records import AccountRecord
from authz.service.admin.keys import KeySpec
from tests.administration import Administration, ask
from tests.authz.mail.doubles import FakeMailer

_LATER = "UPDATE notices SET next_attempt_at = clock_timestamp()"


async def _leak(services: Administration, count: int) -> None:
    for number in range(count):
        spec = KeySpec("acme", f"k{number}", "prod", (), (), None)
        secret = (await services.keys.issue(ask(), spec)).secret
        assert secret is not None
        await services.keys.revoke_leaked(ask(), secret, "here", "ada")


async def test_what_was_accepted_is_forgotten(
    services: Administration,
    acme: AccountRecord,
    mailer: FakeMailer,
    connection: asyncpg.Connection,
) -> None:
    """And not sent again."""
    await _leak(services, 3)
    await services.notices.send()
    await services.notices.send()
    assert len(mailer.accepted) == 3
    assert await connection.fetchval("SELECT count(*) FROM notices") == 0


async def test_what_was_refused_is_tried_again_later_and_later(
    services: Administration,
    acme: AccountRecord,
    mailer: FakeMailer,
    connection: asyncpg.Connection,
) -> None:
    """But not without end, and it is never lost."""
    await _leak(services, 1)
    mailer.refusal = "Not now."
    waits = []
    for _ in range(3):
        await connection.execute(_LATER)
        await services.notices.send()
        waits.append(
            await connection.fetchval("SELECT next_attempt_at - clock_timestamp() FROM notices")
        )
    minute = timedelta(minutes=1)
    assert [round(wait / minute) for wait in waits] == [1, 2, 4]
    mailer.refusal = None
    await connection.execute(_LATER)
    await services.notices.send()
    assert mailer.accepted == []
    assert await connection.fetchval("SELECT attempts FROM notices") == 3
    await connection.execute("UPDATE notices SET attempts = 0")
    await services.notices.send()
    assert len(mailer.accepted) == 1


async def test_a_refused_mail_does_not_hold_up_the_others(
    services: Administration,
    acme: AccountRecord,
    mailer: FakeMailer,
    connection: asyncpg.Connection,
) -> None:
    """Each waits for itself."""
    await _leak(services, 2)
    mailer.refusal = "Not now."
    await services.notices.send()
    assert await connection.fetchval("SELECT sum(attempts) FROM notices") == 2


async def test_two_processes_send_no_notice_twice(
    services: Administration,
    other_process: Administration,
    acme: AccountRecord,
    mailer: FakeMailer,
) -> None:
    """Each takes what the other has not."""
    await _leak(services, 6)
    await asyncio.gather(services.notices.send(), other_process.notices.send())
    assert sorted(mail.key_name for mail in mailer.accepted) == [f"k{n}" for n in range(6)]
