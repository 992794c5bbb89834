"""What a platform engineer can set, from environment variables that start with `AUTHZ_`."""

from pathlib import Path
from typing import Final

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from authz.mail.settings import MailSettings

_PORT_MAX: Final = 65_535


class DatabaseSettings(BaseSettings):
    """What every command needs."""

    model_config = SettingsConfigDict(
        env_prefix="AUTHZ_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    database_url: str = Field(repr=False)
    """A direct connection: through a pooler that shares sessions no change is announced."""


class KeySettings(DatabaseSettings):
    """What a command that makes or checks keys needs besides."""

    pepper_file: Path
    """Peppers, kept outside the database: a line each, 32 bytes in hexadecimal, oldest first."""


class ServeSettings(KeySettings):
    """What `serve` needs besides."""

    socket: Path
    """Where Envoy calls; gRPC."""
    metrics_socket: Path
    """Where `GET /metrics` is answered; HTTP."""
    model_folder: Path
    """The served model's card and tokenizer."""
    snapshot_file: Path
    """The last good directory; each process has one of its own."""
    usage_journal: Path
    """What was used and PostgreSQL may not know yet; each process has one of its own, on a disk."""
    failures_file: Path
    """Where Envoy names the requests that it saw fail, to be refunded; one for all processes."""
    process_name: str | None = Field(None, min_length=1, max_length=200)
    """Where this process runs, and no other at once; the same after a restart. If unset, the host
    and the socket."""

    pepper_file_poll_seconds: PositiveFloat = 2.0
    """How often the pepper file is looked at; a new pepper is known without a restart."""
    key_expires_notice_seconds: NonNegativeFloat = 2_592_000.0
    """How long before a key's end, 30 days, responses begin to tell it."""
    key_uses_interval_seconds: PositiveFloat = 1.0
    """How often keys' last uses, and new digests of wrapped keys, are written down."""

    processes: PositiveInt = 1
    """How many processes share each limit while the database is away, until it was once asked."""

    directory_poll_seconds: PositiveFloat = 1.0
    directory_keys_max: PositiveInt = 1_000_000
    """More keys than this are taken for a mistake and refused."""
    directory_max_stale_seconds: PositiveFloat = 300.0
    """Without news of keys for longer than this, every check is a 503."""
    snapshot_interval_seconds: PositiveFloat = 10.0

    decisions_sample: NonNegativeInt = Field(100, le=2**32)
    """Of requests that are plainly allowed, one in this many is kept to be explained; 0: none. What
    is refused is kept without that."""
    decisions_each_max: PositiveInt = 100
    """Decisions about one account that are kept of a second; the next are counted alone."""
    decisions_strangers_max: PositiveInt = 10
    """The same for all requests without an account: those whose key nobody has."""
    decisions_waiting_max: PositiveInt = 10_000
    """Decisions that wait to be written, in an outage of the database."""
    decisions_interval_seconds: PositiveFloat = 1.0
    """How often decisions, and counts of the access log, are written down."""

    usage_drain_seconds: PositiveFloat = 5.0
    """How often PostgreSQL is told what was used."""
    usage_journal_bytes_max: int = Field(2**30, ge=2**20)
    """A fuller journal takes no more, and every check is a 503, until PostgreSQL was told."""

    charge_timeout_seconds: PositiveFloat = Field(0.8, lt=5)
    """How long a request waits for a lease; then it is a 503, unless the database is away, which is
    found out before. Envoy waits for a second."""
    charge_connections: PositiveInt = 4
    """Statements for leases that may be under way at once."""
    charge_linger_seconds: NonNegativeFloat = 0.05
    """How long what no request waits for is held back, to go in one statement with more."""
    outage_grace_seconds: PositiveFloat = 300.0
    """How long local shares of the limits stand in for the database; then a check is a 503."""
    outage_probe_seconds: PositiveFloat = 1.0

    tokenise_inline_bytes: PositiveInt = 4096
    """Bodies up to this length are counted at once, longer ones in a thread."""
    tokenise_queue_bytes_max: PositiveInt = 32 * 2**20
    """Longer bodies that are being counted hold at most this much; beyond it the next is a 503."""


class ReportSettings(DatabaseSettings):
    """What `report` needs besides."""

    report_socket: Path
    """Where Envoy calls; HTTP. Its folder is to be private: any account's usage is told there."""
    report_connections: PositiveInt = 4
    report_timeout_seconds: PositiveFloat = 5.0
    """How long one report may take, the wait for a connection included; then it is a 503."""
    report_stop_seconds: PositiveInt = 10
    """How long reports that are under way may still take at the end."""


class AdminSettings(KeySettings, MailSettings):
    """What `admin` needs besides, and how its mails are sent."""

    metrics_socket: Path
    """Where `GET /metrics` is answered; HTTP."""
    audit_head_file: Path
    """The end of the audit as it was seen last, out of the database's reach."""

    admin_socket: Path | None = None
    """Where the owner calls, on this machine; gRPC."""
    admin_address: str | None = Field(None, pattern=r"^\S+:\d{1,5}$", validate_default=True)
    """`host:port` where anyone with a client certificate calls; gRPC over TLS."""
    admin_tls_certificate: Path | None = Field(None, validate_default=True)
    admin_tls_key: Path | None = Field(None, validate_default=True)
    admin_tls_client_ca: Path | None = Field(None, validate_default=True)
    """Who signs clients; the three files are read again when they change."""
    admin_stop_seconds: PositiveFloat = 10.0
    """How long calls that are under way may still take at the end."""

    pepper_file_poll_seconds: PositiveFloat = 2.0
    """How often the pepper file is looked at; a new pepper is known without a restart."""
    canary_interval_seconds: PositiveFloat = 60.0
    """How often a key of our own is issued and revoked, to measure how long that takes."""
    invoice_settling_days: PositiveInt = Field(2, le=366)
    """How long after a month's end its invoices can be finished: usage may arrive until then."""
    reconcile_after_seconds: PositiveFloat = Field(180.0, lt=3600)
    """How long after a minute began all that was counted of it is compared."""

    @field_validator("admin_address")
    @classmethod
    def _check_reachable(cls, address: str | None, others: ValidationInfo) -> str | None:
        if address is None and others.data.get("admin_socket") is None:
            raise ValueError("Set this, AUTHZ_ADMIN_SOCKET or both")
        if address is not None and not 1 <= int(address.rpartition(":")[2]) <= _PORT_MAX:
            raise ValueError("There is no such port")  # gRPC would take another
        return address

    @field_validator("admin_tls_certificate", "admin_tls_key", "admin_tls_client_ca")
    @classmethod
    def _check_secure(cls, file: Path | None, others: ValidationInfo) -> Path | None:
        if (others.data.get("admin_address") is None) != (file is None):
            raise ValueError("Goes together with AUTHZ_ADMIN_ADDRESS")
        return file
