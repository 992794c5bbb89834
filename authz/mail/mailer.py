"""Chooses how mail is sent."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from authz.mail.message import MessageWriter
from authz.mail.outbox import OutboxMailer
from authz.mail.service_facts import ServiceFacts
from authz.mail.settings import MailSettings
from authz.mail.smtp import Login, SmtpMailer, SmtpServer, trust_authorities


def make_mailer(settings: MailSettings) -> SmtpMailer | OutboxMailer:
    """Return what sends mail as the settings say.

    Raises:
        OSError: the file of trusted certificates cannot be used.
    """
    service = ServiceFacts(settings.public_base_url, settings.mail_model, settings.support)
    writer = MessageWriter(settings.sender, service, _now, lambda: uuid4().hex)
    match settings.mail_outbox, settings.smtp_host:
        case Path() as folder, None:
            return OutboxMailer(writer, folder, _now)
        case None, str(host):
            server = _describe_server(host, settings)
            return SmtpMailer(writer, server, settings.smtp_timeout_seconds)
        case _:
            raise AssertionError("the settings allow exactly one way")


def _describe_server(host: str, settings: MailSettings) -> SmtpServer:
    login = None
    if settings.smtp_username is not None and settings.smtp_password_file is not None:
        login = Login(settings.smtp_username, settings.smtp_password_file)
    trust = trust_authorities(settings.smtp_ca_file)
    return SmtpServer(host, settings.smtp_port, settings.smtp_tls, trust, login)


def _now() -> datetime:
    return datetime.now(UTC)
