"""An account with its first key: the mail first, then the account, or nothing."""

import asyncio

import asyncpg
import pytest

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.mail import WelcomeMail
from authz.domain.administration.refusals import (
    BusyError,
    MailNotAcceptedError,
    NotStoredError,
)
from authz.service.admin.account_creation import AccountCreation, Created
from authz.service.admin.accounts import FirstKey, NewAccount
from authz.service.admin.welcome_mails import WelcomeMails
from tests.administration import Administration, ask
from tests.authz.mail.doubles import FakeMailer

_NEW = NewAccount("acme", "ops@acme.example", "trial")
_KEY = FirstKey("default", "prod")


_EVERYTHING = """
    SELECT string_agg(line, ' ')
      FROM (SELECT keys::text AS line FROM keys UNION ALL SELECT accounts::text FROM accounts
            UNION ALL SELECT audit::text FROM audit UNION ALL SELECT changes::text FROM changes
            UNION ALL SELECT notices::text FROM notices) AS lines
"""


class SlowMailer(FakeMailer):
    """Accepts a mail when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Semaphore(0)
        self.let = asyncio.Event()
        self.before_answer = self._wait

    async def _wait(self) -> None:
        self.arrived.release()
        await self.let.wait()


def _creation(services: Administration, mailer: SlowMailer, seconds: float) -> AccountCreation:
    return AccountCreation(services.database, services.mint, WelcomeMails(mailer, 2, seconds))


async def _is_empty(connection: asyncpg.Connection) -> bool:
    nothing: bool = await connection.fetchval("""
        SELECT NOT EXISTS (SELECT FROM accounts) AND NOT EXISTS (SELECT FROM keys)
           AND NOT EXISTS (SELECT FROM audit) AND NOT EXISTS (SELECT FROM peppers)
    """)
    return nothing


async def test_the_first_key_is_in_the_mail_and_nowhere_else(
    services: Administration, mailer: FakeMailer, connection: asyncpg.Connection
) -> None:
    """It works: the mailed text's digest is what was stored."""
    account, key = await services.accounts.create(ask(), _NEW, _KEY)
    (mail,) = mailer.accepted
    assert key is not None
    assert isinstance(mail, WelcomeMail)
    assert (mail.recipient, mail.account_name) == ("ops@acme.example", "acme")
    assert (mail.key_name, mail.environment) == ("default", "prod")
    digest = await connection.fetchval("SELECT digest FROM keys WHERE id = $1", key.id)
    assert digest == services.peppers().newest.digest_key(mail.secret)
    assert (key.account_id, key.last_four) == (account.id, mail.secret[-4:])
    everything = await connection.fetchval(_EVERYTHING)
    assert key.last_four in everything
    assert mail.secret not in everything


async def test_a_refused_mail_leaves_nothing(
    services: Administration, mailer: FakeMailer, connection: asyncpg.Connection
) -> None:
    """And says why."""
    mailer.refusal = "The mail server refused the recipient."
    with pytest.raises(MailNotAcceptedError, match="refused the recipient"):
        await services.accounts.create(ask(), _NEW, _KEY)
    assert await _is_empty(connection)


async def test_a_mail_server_that_hangs_leaves_nothing(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """And is not waited for for ever."""
    with pytest.raises(MailNotAcceptedError, match="in time"):
        await _creation(services, SlowMailer(), 0.05).create(ask(), _NEW, _KEY)
    assert await _is_empty(connection)


async def test_a_first_key_needs_somebody_to_send_it_to(
    services: Administration, mailer: FakeMailer
) -> None:
    """By the field that is missing."""
    with pytest.raises(Exception, match="email: is needed"):
        await services.accounts.create(ask(), NewAccount("acme", "", "trial"), _KEY)
    assert mailer.accepted == []


async def test_nobody_waits_for_a_mail_server(services: Administration) -> None:
    """Other changes are made while a mail is under way."""
    mailer = SlowMailer()
    creating = asyncio.create_task(_creation(services, mailer, 30).create(ask(), _NEW, _KEY))
    await mailer.arrived.acquire()
    await services.accounts.create(ask(), NewAccount("other", "", "trial"), None)
    mailer.let.set()
    account, _ = await creating
    assert account.name == "acme"


async def test_only_so_many_mails_are_under_way(services: Administration) -> None:
    """The next is told to try again, and so is a second one of the same name."""
    mailer = SlowMailer()
    creation = _creation(services, mailer, 30)
    first = asyncio.create_task(creation.create(ask(), _NEW, _KEY))
    await mailer.arrived.acquire()
    with pytest.raises(BusyError, match="The same"):
        await creation.create(ask(), _NEW, _KEY)
    second = asyncio.create_task(creation.create(ask(), NewAccount("b", "a@b", "trial"), _KEY))
    await mailer.arrived.acquire()
    with pytest.raises(BusyError, match="Too many"):
        await creation.create(ask(), NewAccount("c", "a@b", "trial"), _KEY)
    mailer.let.set()
    await asyncio.gather(first, second)


async def test_two_processes_do_not_mail_the_same_account(
    services: Administration, other_process: Administration
) -> None:
    """What excludes them is in the database."""
    mailer = SlowMailer()
    creating = asyncio.create_task(_creation(services, mailer, 30).create(ask(), _NEW, _KEY))
    await mailer.arrived.acquire()
    with pytest.raises(BusyError):
        await other_process.accounts.create(ask(), _NEW, _KEY)
    mailer.let.set()
    await creating


async def test_a_mailed_key_that_could_not_be_stored_is_said_so(services: Administration) -> None:
    """The request can be sent again, with the same id, and then mails a key that works."""
    mailer = SlowMailer()
    change = ask()
    creating = asyncio.create_task(_creation(services, mailer, 30).create(change, _NEW, _KEY))
    await mailer.arrived.acquire()
    taken, _ = await services.accounts.create(ask(), NewAccount("acme", "", "trial"), None)
    mailer.let.set()
    with pytest.raises(NotStoredError, match=r"does not work.*already"):
        await creating
    assert await services.accounts.get("acme") == taken


async def test_a_caller_that_gives_up_stops_nothing(services: Administration) -> None:
    """A mail that is accepted later carries a key that works; sent again, the request says so."""
    mailer = SlowMailer()
    change, creation = ask(), _creation(services, mailer, 30)
    creating = asyncio.create_task(creation.create(change, _NEW, _KEY))
    await mailer.arrived.acquire()
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    mailer.let.set()
    async with asyncio.timeout(20):
        while (made := await _again(creation, change)) is None:  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.01)
    _, key = made
    assert key is not None
    assert len(mailer.accepted) == 1


async def _again(creation: AccountCreation, change: ChangeRequest) -> Created | None:
    try:
        return await creation.create(change, _NEW, _KEY)
    except BusyError:
        return None
