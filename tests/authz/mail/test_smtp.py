"""Mail over SMTP: accepted over TLS, or not accepted, whatever the server does."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest

from authz.domain.administration.refusals import MailNotAcceptedError
from authz.mail.smtp import Login, SmtpMailer, SmtpServer, trust_authorities
from authz.mail.tls import SmtpTls
from tests.authz.mail.conftest import mailer_to
from tests.authz.mail.samples import KEY, WELCOME, make_writer
from tests.authz.mail.smtp_server import HOST, Inbox, Script, real_server, tls_of, told_server
from tests.certificates import Authority


async def test_a_mail_is_accepted_over_tls(smtp_mailer: SmtpMailer, inbox: Inbox) -> None:
    """By STARTTLS, of version 1.2 or later, for the one recipient."""
    await smtp_mailer.send(WELCOME)
    assert inbox.recipients == [WELCOME.recipient]
    assert inbox.tls_versions <= {"TLSv1.2", "TLSv1.3"}
    assert KEY.encode() in inbox.messages[0]


async def test_a_mail_is_accepted_over_implicit_tls(
    inbox: Inbox, server_tls: ssl.SSLContext, authority: Authority
) -> None:
    """TLS from the first byte, where the settings say so."""
    async with real_server(inbox, server_tls, implicit=True) as port:
        trust = trust_authorities(authority.certificate)
        server = SmtpServer(HOST, port, SmtpTls.IMPLICIT, trust)
        await SmtpMailer(make_writer(), server).send(WELCOME)
    assert len(inbox.messages) == 1


async def test_mails_may_be_sent_side_by_side(smtp_mailer: SmtpMailer, inbox: Inbox) -> None:
    """Each over a connection of its own."""
    await asyncio.gather(*(smtp_mailer.send(WELCOME) for _ in range(8)))
    assert len(inbox.messages) == 8


class TestLogin:
    """A server that wants to know who we are."""

    @pytest.fixture
    def inbox(self) -> Inbox:
        """Accepts one user."""
        return Inbox(login=("tessera", "hush now"))

    def _mailer(self, smtp_port: int, authority: Authority, password_file: Path) -> SmtpMailer:
        server = SmtpServer(
            HOST,
            smtp_port,
            SmtpTls.STARTTLS,
            trust_authorities(authority.certificate),
            Login("tessera", password_file),
        )
        return SmtpMailer(make_writer(), server)

    async def test_the_password_is_read_for_each_mail(
        self, smtp_port: int, authority: Authority, tmp_path: Path, inbox: Inbox
    ) -> None:
        """So that it can be replaced while the process runs."""
        file = tmp_path / "password"
        file.write_text("of yesterday\n")
        mailer = self._mailer(smtp_port, authority, file)
        with pytest.raises(MailNotAcceptedError) as caught:
            await mailer.send(WELCOME)
        assert str(caught.value) == f"{HOST}:{smtp_port} refused the login: 535 5.7.8."
        file.write_text("hush now\n")
        await mailer.send(WELCOME)
        assert len(inbox.messages) == 1

    async def test_a_missing_password_file_is_said_so(
        self, smtp_port: int, authority: Authority, tmp_path: Path
    ) -> None:
        """It is a refusal like any other: nothing was made."""
        mailer = self._mailer(smtp_port, authority, tmp_path / "nothing")
        with pytest.raises(MailNotAcceptedError, match="password file cannot be read"):
            await mailer.send(WELCOME)

    async def test_a_server_without_login_is_said_so(
        self, server_tls: ssl.SSLContext, authority: Authority, tmp_path: Path
    ) -> None:
        """The password is not sent to who has not asked for it."""
        (tmp_path / "password").write_text("hush now")
        async with told_server(Script(tls=server_tls)) as port:
            mailer = self._mailer(port, authority, tmp_path / "password")
            with pytest.raises(MailNotAcceptedError, match="offers no login"):
                await mailer.send(WELCOME)


@dataclass(frozen=True)
class Refusal:
    """A real server's reply at one step, and what is told of it."""

    inbox: Inbox
    told: str


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(Inbox(refuse_sender="550 5.7.1 not you"), "refused the sender: 550 5.7.1"),
        Refusal(Inbox(refuse_recipient="550 nobody"), "refused the recipient: 550"),
        Refusal(Inbox(refuse_recipient="451 4.7.1 later"), "refused the recipient: 451 4.7.1"),
        Refusal(Inbox(refuse_message="452 4.3.1 disk full"), "refused the message: 452 4.3.1"),
        Refusal(Inbox(refuse_message="554 5.6.0 spam"), "refused the message: 554 5.6.0"),
    ],
    ids=lambda refusal: str(refusal.told),
)
async def test_a_refusal_is_told_by_its_codes(
    refusal: Refusal, server_tls: ssl.SSLContext, authority: Authority
) -> None:
    """For now or for ever, at every step."""
    async with real_server(refusal.inbox, server_tls) as port:
        with pytest.raises(MailNotAcceptedError) as caught:
            await mailer_to(port, authority.certificate).send(WELCOME)
    assert str(caught.value) == f"{HOST}:{port} {refusal.told}."
    assert refusal.inbox.messages == []


_SILENT = ""
_HANGS_UP = None


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (Script(greeting="554 no"), "refused the connection: 554"),
        (Script(greeting=_HANGS_UP), "closed the connection before it accepted the message"),
        (Script(greeting=_SILENT), "did not accept the message within 0.5 seconds"),
        (Script(greeting="HTTP/1.1 400 Bad Request"), "gave an answer that is no SMTP"),
        (Script(replies={"EHLO": "502 what"}), "refused the greeting: 502"),
        (Script(replies={"EHLO": "250 mx"}), "offers no STARTTLS, and no mail is sent without TLS"),
        (
            Script(replies={"EHLO": "250-mx\r\n250 STARTTLS", "STAR": "454 4.7.0 not now"}),
            "refused TLS: 454 4.7.0",
        ),
        (
            Script(replies={"EHLO": "250-mx\r\n250 STARTTLS", "STAR": "220 as you like"}),
            "speaks no TLS that is accepted: WRONG_VERSION_NUMBER",
        ),
    ],
    ids=str,
)
async def test_a_server_without_tls_gets_no_mail(
    script: Script, told: str, authority: Authority
) -> None:
    """It is told what the server did, within the deadline."""
    async with told_server(script) as port:
        with pytest.raises(MailNotAcceptedError) as caught:
            await mailer_to(port, authority.certificate, deadline_seconds=0.5).send(WELCOME)
    assert str(caught.value) == f"{HOST}:{port} {told}."


@pytest.mark.parametrize(
    ("after_data", "told"),
    [
        (_HANGS_UP, "closed the connection before it accepted the message"),
        (_SILENT, "did not accept the message within 1 seconds"),
        ("451 4.0.0 lost it", "refused the message: 451 4.0.0"),
        ("554 5.0.0 no", "refused the message: 554 5.0.0"),
        (f"554 5.6.0 I do not take {KEY}", "refused the message: 554 5.6.0"),
        ("nonsense", "gave an answer that is no SMTP"),
    ],
    ids=("hangs up", "is silent", "451", "554", "554 with a key", "nonsense"),
)
async def test_a_message_without_a_good_answer_is_not_accepted(
    after_data: str | None, told: str, server_tls: ssl.SSLContext, authority: Authority
) -> None:
    """The whole message was sent; only the server's word makes it accepted."""
    async with told_server(Script(after_data=after_data, tls=server_tls)) as port:
        with pytest.raises(MailNotAcceptedError) as caught:
            await mailer_to(port, authority.certificate, deadline_seconds=1).send(WELCOME)
    assert str(caught.value) == f"{HOST}:{port} {told}."
    assert _shown_of(caught.value).count(KEY) == 0


async def test_what_happens_after_the_answer_changes_nothing(
    server_tls: ssl.SSLContext, authority: Authority
) -> None:
    """A server that hangs up on QUIT has accepted the message all the same."""
    async with told_server(Script(replies={"QUIT": _HANGS_UP}, tls=server_tls)) as port:
        await mailer_to(port, authority.certificate).send(WELCOME)


async def test_a_stranger_s_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    """Whoever stands between us and the server gets no key."""
    tls = tls_of(Authority(tmp_path, "stranger").issue_for_host(HOST))
    await _expect_untrusted(tls, authority)


async def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    """Vouched for, but not for the server that was called."""
    await _expect_untrusted(tls_of(authority.issue_for_host("mx.example")), authority)


async def _expect_untrusted(tls: ssl.SSLContext, authority: Authority) -> None:
    inbox = Inbox()
    async with real_server(inbox, tls) as port:
        with pytest.raises(MailNotAcceptedError, match="shows a certificate that is not trusted"):
            await mailer_to(port, authority.certificate).send(WELCOME)
    assert inbox.messages == []


async def test_old_tls_is_refused(authority: Authority) -> None:
    """Before version 1.2 there is nothing to agree on."""
    tls = tls_of(authority.issue_for_host(HOST))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    async with real_server(Inbox(), tls) as port:
        with pytest.raises(MailNotAcceptedError):
            await mailer_to(port, authority.certificate).send(WELCOME)


async def test_a_server_that_is_away_is_said_so(authority: Authority) -> None:
    """With what the network said."""
    async with told_server(Script()) as port:
        pass  # so that nobody listens there now
    with pytest.raises(MailNotAcceptedError) as caught:
        await mailer_to(port, authority.certificate).send(WELCOME)
    assert "cannot be reached: Connection refused." in str(caught.value)


async def test_a_name_that_is_none_is_said_so(authority: Authority) -> None:
    """The settings name a server that does not exist."""
    trust = trust_authorities(authority.certificate)
    server = SmtpServer("mx.invalid", 587, SmtpTls.STARTTLS, trust)
    with pytest.raises(MailNotAcceptedError, match=r"^mx\.invalid:587 "):
        await SmtpMailer(make_writer(), server, deadline_seconds=2).send(WELCOME)


async def test_a_cancelled_send_leaves_no_connection(authority: Authority) -> None:
    """Whoever asked has gone; the server sees the end of it."""
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await seen.put("connected")
        await reader.read()
        await seen.put("closed")

    async with asyncio.timeout(10), told_server(talk) as port:
        sending = asyncio.create_task(mailer_to(port, authority.certificate).send(WELCOME))
        assert await seen.get() == "connected"
        sending.cancel()
        assert await seen.get() == "closed"
    with pytest.raises(asyncio.CancelledError):
        await sending


def _shown_of(error: BaseException) -> str:
    """All that a log of the error would show."""
    causes = (error.__cause__, error.__context__ if not error.__suppress_context__ else None)
    return repr(error) + "".join(_shown_of(each) for each in causes if each is not None)
