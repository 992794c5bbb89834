"""How mail is sent is told by settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from authz.mail.mailer import make_mailer
from authz.mail.outbox import OutboxMailer
from authz.mail.settings import MailSettings
from authz.mail.smtp import SmtpMailer
from tests.authz.mail.samples import KEY, WELCOME
from tests.authz.mail.smtp_server import HOST, Inbox
from tests.certificates import Authority

_NEEDED = {
    "mail_from": "no-reply@tesseraai.cloud",
    "mail_support": "support@tesseraai.cloud",
    "public_base_url": "https://api.tesseraai.cloud/v1",
}


def _settings(**changes: object) -> MailSettings:
    return MailSettings.model_validate(_NEEDED | changes)


def test_a_folder_is_an_outbox(tmp_path: Path) -> None:
    """For one machine."""
    assert isinstance(make_mailer(_settings(mail_outbox=tmp_path)), OutboxMailer)


async def test_a_host_is_a_server(smtp_port: int, inbox: Inbox, authority: Authority) -> None:
    """A mail goes there, over TLS, from what was set."""
    mailer = make_mailer(
        _settings(smtp_host=HOST, smtp_port=smtp_port, smtp_ca_file=authority.certificate)
    )
    assert isinstance(mailer, SmtpMailer)
    await mailer.send(WELCOME)
    (message,) = inbox.messages
    assert KEY.encode() in message
    assert b"https://api.tesseraai.cloud/v1" in message
    assert b"From: Tessera <no-reply@tesseraai.cloud>" in message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "smtp_host"),
        ({"smtp_host": "mx.example", "mail_outbox": "/outbox"}, "smtp_host"),
        ({"smtp_host": "mx example"}, "smtp_host"),
        ({"smtp_host": "mx.example", "smtp_tls": "none"}, "smtp_tls"),
        ({"smtp_host": "mx.example", "smtp_port": 0}, "smtp_port"),
        ({"smtp_host": "mx.example", "smtp_username": "tessera"}, "smtp_password_file"),
        ({"smtp_host": "mx.example", "smtp_password_file": "/p"}, "smtp_password_file"),
        ({"mail_outbox": "/outbox", "mail_from": "Tessera <a@b.example>"}, "mail_from"),
        ({"mail_outbox": "/outbox", "mail_support": "nobody"}, "mail_support"),
        ({"mail_outbox": "/outbox", "public_base_url": "api.example/v1"}, "public_base_url"),
        ({"mail_outbox": "/outbox", "public_base_url": "https://api.example"}, "public_base_url"),
        ({"mail_outbox": "/outbox", "mail_model": 'a" b'}, "mail_model"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(changes: dict[str, object], field: str) -> None:
    """The first one, so that it can be mended; there is no way without TLS."""
    with pytest.raises(ValidationError) as caught:
        _settings(**changes)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_wrong_file_of_authorities_is_found_at_the_start(
    content: str | None, tmp_path: Path
) -> None:
    """Not with the first mail, and by its name."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(OSError, match=str(file)) as caught:
        make_mailer(_settings(smtp_host=HOST, smtp_ca_file=file))
    assert caught.value.strerror
