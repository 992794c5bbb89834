"""Hands mails to a mail server, over TLS or not at all."""

import asyncio
import errno
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiosmtplib import SMTP, SMTPException

from authz.domain.administration.mail import Mail
from authz.domain.administration.mail_address import domain_of
from authz.domain.administration.refusals import MailNotAcceptedError
from authz.mail.message import Envelope, MessageWriter
from authz.mail.smtp_failures import CannotLogInError, NoStartTlsError, explain
from authz.mail.tls import SmtpTls

_DEADLINE_SECONDS: Final = 15.0
_GOODBYE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the mail server. The file is read anew for each mail, so it can be replaced."""

    username: str
    password_file: Path


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server, and what the certificate it shows is checked against."""

    host: str
    port: int
    tls: SmtpTls
    trust: ssl.SSLContext
    login: Login | None = None

    @property
    def address(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


def trust_authorities(ca_file: Path | None) -> ssl.SSLContext:
    """Return what verifies a server's certificate and name: by `ca_file`, or as the system does.

    Raises:
        OSError: the file cannot be read, or holds no certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=ca_file.read_text("ascii", "replace"))
    except (ssl.SSLError, ValueError):  # the latter where the file is empty
        raise OSError(errno.EINVAL, "holds no usable certificates", str(ca_file)) from None
    return context


class SmtpMailer:
    """Opens a connection for each mail: there are few, and none may be lost to a stale one."""

    def __init__(
        self,
        writer: MessageWriter,
        server: SmtpServer,
        deadline_seconds: float = _DEADLINE_SECONDS,
    ) -> None:
        self._writer = writer
        self._server = server
        self._deadline_seconds = deadline_seconds

    async def send(self, mail: Mail) -> None:
        """Return once the server has accepted the message.

        Raises:
            MailNotAcceptedError: it has not, or its answer never came; the sentence says why.
        """
        envelope = self._writer.write(mail)
        client = self._make_client(envelope)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._deliver(client, envelope)
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            reason = explain(error, self._deadline_seconds)
            # The cause is left out: a server may repeat in its reply what it was sent.
            raise MailNotAcceptedError(f"{self._server.address} {reason}.") from None
        except BaseException:
            client.close()
            raise
        await _say_goodbye(client)

    def _make_client(self, envelope: Envelope) -> SMTP:
        implicit = self._server.tls is SmtpTls.IMPLICIT
        return SMTP(
            hostname=self._server.host,
            port=self._server.port,
            local_hostname=domain_of(envelope.sender),  # finding our own name may wait on DNS
            timeout=None,  # one deadline is over everything
            use_tls=implicit,
            start_tls=False,  # by hand below, so that each failure can be told from the others
            tls_context=self._server.trust,
        )

    async def _deliver(self, client: SMTP, envelope: Envelope) -> None:
        await client.connect()
        await client.ehlo()
        if self._server.tls is SmtpTls.STARTTLS:
            if not client.supports_extension("starttls"):
                raise NoStartTlsError
            await client.starttls()
            await client.ehlo()
        if self._server.login is not None:
            await _log_in(client, self._server.login)
        await client.mail(envelope.sender)
        await client.rcpt(envelope.recipient)
        await client.data(envelope.content)


async def _log_in(client: SMTP, login: Login) -> None:
    try:
        password = login.password_file.read_text("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise CannotLogInError("was not asked: the password file cannot be read") from None
    if not client.supports_extension("auth"):
        raise CannotLogInError("offers no login")
    await client.login(login.username, password)


async def _say_goodbye(client: SMTP) -> None:
    """The message is accepted, so nothing that happens now matters."""
    try:
        with suppress(SMTPException, OSError, ValueError):
            await client.quit(timeout=_GOODBYE_SECONDS)
    finally:
        client.close()
