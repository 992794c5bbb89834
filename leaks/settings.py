"""What a platform engineer can set, from environment variables that start with `LEAKS_`."""

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, PositiveFloat, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _check_keys_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.username is not None:
        raise ValueError("Expected a URL without a password, for it is logged")
    if parts.hostname and (parts.scheme == "https" or _is_plain_but_local(parts)):
        return text
    raise ValueError("Expected a URL that starts with https://")


def _is_plain_but_local(parts: SplitResult) -> bool:
    return parts.scheme == "http" and _is_loopback(parts.hostname)


def _is_loopback(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


_Address = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$")]
_KeysUrl = Annotated[str, AfterValidator(_check_keys_url)]


class LeaksSettings(BaseSettings):
    """One receiver: where it listens, whom it believes, and where keys are revoked."""

    model_config = SettingsConfigDict(
        env_prefix="LEAKS_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    socket: Path | None = None
    """Where reports are taken: a Unix socket, or"""
    address: _Address | None = Field(None, validate_default=True)
    """`host:port`. HTTP, so behind what speaks TLS to the internet."""

    github_keys_file: Path | None = None
    """GitHub's public keys, as it publishes them; read again when the file changes."""
    github_keys_url: _KeysUrl | None = Field(None, validate_default=True)
    """Where they are fetched, instead or besides."""

    admin_socket: Path | None = None
    """The admin API: a Unix socket on the same machine, or"""
    admin_address: _Address | None = Field(None, validate_default=True)
    """`host:port` over mTLS, with"""
    admin_ca: Path | None = Field(None, validate_default=True)
    """who vouches for the server,"""
    admin_cert: Path | None = Field(None, validate_default=True)
    """a certificate for the role `leaks`,"""
    admin_key: Path | None = Field(None, validate_default=True)
    """and its private key."""

    call_timeout_seconds: PositiveFloat = 5.0
    """One call of the admin API."""
    report_timeout_seconds: PositiveFloat = 25.0
    """All of one report's calls; GitHub waits for 30 seconds."""

    @field_validator("address", "admin_address")
    @classmethod
    def _check_one_way(cls, address: str | None, info: ValidationInfo) -> str | None:
        socket = str(info.field_name).replace("address", "socket")
        if socket in info.data and (info.data[socket] is None) == (address is None):
            raise ValueError(f"Set either this or LEAKS_{socket.upper()}")
        return address

    @field_validator("github_keys_url")
    @classmethod
    def _check_keys(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None and info.data.get("github_keys_file", url) is None:
            raise ValueError("Set this, or LEAKS_GITHUB_KEYS_FILE, or both")
        return url

    @field_validator("admin_ca", "admin_cert", "admin_key")
    @classmethod
    def _check_identity(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is None and info.data.get("admin_address") is not None:
            raise ValueError("Needed together with LEAKS_ADMIN_ADDRESS")
        return file
