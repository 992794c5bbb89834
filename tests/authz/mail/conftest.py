"""An authority, and a mail server that it vouches for."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authz.mail.smtp import SmtpMailer, SmtpServer, trust_authorities
from authz.mail.tls import SmtpTls
from tests.authz.mail.samples import make_writer
from tests.authz.mail.smtp_server import HOST, Inbox, real_server, tls_of
from tests.certificates import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the mailer trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_tls(authority: Authority) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for the address that it is called at."""
    return tls_of(authority.issue_for_host(HOST))


@pytest.fixture
def inbox() -> Inbox:
    """What the real server accepts."""
    return Inbox()


@pytest.fixture
async def smtp_port(inbox: Inbox, server_tls: ssl.SSLContext) -> AsyncIterator[int]:
    """Where the real server listens."""
    async with real_server(inbox, server_tls) as port:
        yield port


@pytest.fixture
def smtp_mailer(smtp_port: int, authority: Authority) -> SmtpMailer:
    """A mailer to the real server."""
    return mailer_to(smtp_port, authority.certificate)


def mailer_to(port: int, ca_file: Path, deadline_seconds: float = 15.0) -> SmtpMailer:
    """A mailer to any server, by STARTTLS."""
    server = SmtpServer(HOST, port, SmtpTls.STARTTLS, trust_authorities(ca_file))
    return SmtpMailer(make_writer(), server, deadline_seconds)
