"""What a platform engineer can set about mail, from variables that start with `AUTHZ_`."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PositiveFloat, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from authz.domain.administration.mail_address import MailAddress, parse_mail_address
from authz.mail.tls import SmtpTls


def _check_base_url(text: str) -> str:
    parts = urlsplit(text)
    is_plain = not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_plain:
        raise ValueError("Expected a URL that starts with https://")
    if not parts.path.endswith("/v1"):
        raise ValueError("Expected what an SDK takes as its base URL: it ends in /v1")
    return text


_Address = Annotated[str, AfterValidator(parse_mail_address)]
_BaseUrl = Annotated[str, AfterValidator(_check_base_url)]


class MailSettings(BaseSettings):
    """How mail is sent: to a folder, or to a server over TLS. There is no way without TLS."""

    model_config = SettingsConfigDict(
        env_prefix="AUTHZ_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    mail_from: _Address
    """Whom mails come from: an address alone."""
    mail_support: _Address
    """Whom customers write to; answers go there."""
    public_base_url: _BaseUrl
    mail_model: str = Field("Qwen/Qwen3-Embedding-8B", pattern=r"^[\w./:-]+$")
    """The model in the mail's examples."""

    mail_outbox: Path | None = None
    """A folder that mails are written into, in the place of a server."""
    smtp_host: str | None = Field(None, pattern=r"^[\w.:-]+$", validate_default=True)
    smtp_port: int = Field(587, ge=1, le=65_535)
    smtp_tls: SmtpTls = SmtpTls.STARTTLS
    """`implicit` is TLS from the first byte, on port 465 by custom."""
    smtp_ca_file: Path | None = None
    """Certificates that vouch for the server; without it those of the system."""
    smtp_username: str | None = None
    smtp_password_file: Path | None = Field(None, validate_default=True)
    smtp_timeout_seconds: PositiveFloat = 15.0
    """For a mail from the connection to the server's last word."""

    @field_validator("smtp_host")
    @classmethod
    def _check_one_way(cls, host: str | None, others: ValidationInfo) -> str | None:
        if "mail_outbox" in others.data and (others.data["mail_outbox"] is None) == (host is None):
            raise ValueError("Set either this or AUTHZ_MAIL_OUTBOX")
        return host

    @field_validator("smtp_password_file")
    @classmethod
    def _check_login(cls, file: Path | None, others: ValidationInfo) -> Path | None:
        if (others.data.get("smtp_username") is None) != (file is None):
            raise ValueError("Goes together with AUTHZ_SMTP_USERNAME")
        return file

    @property
    def sender(self) -> MailAddress:
        """`mail_from`, as it was parsed."""
        return MailAddress(self.mail_from)

    @property
    def support(self) -> MailAddress:
        """`mail_support`, as it was parsed."""
        return MailAddress(self.mail_support)
