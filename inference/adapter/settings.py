"""What the adapter is told from outside."""

from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class AdapterSettings(BaseSettings):
    """One adapter process, from environment variables that begin with `ADAPTER_`.

    The bounds on tokens suit a model on a few CPU cores, which runs some 10,000 tokens a second.
    What may be absent is then as the model's folder says.
    """

    model_config = SettingsConfigDict(
        env_prefix="ADAPTER_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    socket: Path = Field(description="Unix socket to serve HTTP on")
    model_folder: Path = Field(description="folder with card.json and tokenizer.json")

    triton_address: str = Field(description="gRPC target: host:port, dns:///name:port, unix:path")
    triton_channels: PositiveInt = 4

    call_timeout_seconds: PositiveFloat = Field(30.0, description="one Triton request")
    request_timeout_seconds: PositiveFloat = Field(120.0, description="one HTTP request in all")
    shutdown_timeout_seconds: PositiveInt = Field(20, description="for requests under way")

    batch_tokens_max: PositiveInt | None = Field(None, description="padded tokens in one batch")
    batches_in_flight: PositiveInt | None = Field(None, description="held by Triton at a time")
    short_tokens_max: PositiveInt = Field(512, description="requests of no more go first")
    bulk_patience: PositiveInt = Field(4, description="short batches that may pass other requests")

    queue_tokens_max: PositiveInt = Field(
        65_536, description="of short requests waiting; beyond: 503"
    )
    backlog_tokens_max: PositiveInt = Field(
        262_144, description="of all requests waiting; beyond: 503 for those that are not short"
    )
    tokens_per_second: PositiveFloat = Field(5000.0, description="assumed until measured")

    inline_bytes_max: PositiveInt = Field(
        4096, description="longer bodies or prompts are read in a thread"
    )
    threads: PositiveInt = 2
    thread_queue_max: PositiveInt = Field(64, description="long bodies waiting; beyond: 503")
