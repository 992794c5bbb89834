"""What a platform engineer can set, from environment variables that start with `AUTHZ_`."""

from pathlib import Path

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    """32 bytes in hexadecimal, kept outside the database."""


class ServeSettings(KeySettings):
    """What `serve` needs besides."""

    socket: Path
    """Where Envoy calls; gRPC."""
    metrics_socket: Path
    """Where `GET /metrics` is answered; HTTP."""
    model_folder: Path
    """The served model's card and tokenizer."""
    snapshot_file: Path
    """The last good directory; processes on one machine may share it."""

    processes: PositiveInt = 1
    """How many processes share each limit while the database is away."""

    directory_poll_seconds: PositiveFloat = 1.0
    directory_keys_max: PositiveInt = 1_000_000
    """More keys than this are taken for a mistake and refused."""
    directory_max_stale_seconds: PositiveFloat = 300.0
    """Without news of keys for longer than this, every check is a 503."""
    snapshot_interval_seconds: PositiveFloat = 10.0

    charge_timeout_seconds: PositiveFloat = Field(0.25, lt=5)
    charge_connections: PositiveInt = 4
    charge_linger_seconds: NonNegativeFloat = 0.004
    """How long a busy account's next statement waits for more requests to charge."""
    outage_grace_seconds: PositiveFloat = 300.0
    """How long local shares of the limits stand in for the database; then a check is a 503."""
    outage_probe_seconds: PositiveFloat = 1.0

    tokenise_inline_bytes: PositiveInt = 4096
    """Bodies up to this length are counted at once, longer ones in a thread."""
    tokenise_queue_bytes_max: PositiveInt = 32 * 2**20
    """Longer bodies that are being counted hold at most this much; beyond it the next is a 503."""
