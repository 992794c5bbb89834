"""The connection to the admin API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import grpc
import structlog

_log = structlog.get_logger()

_GRACE_SECONDS: Final = 30.0
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    # An admin process that comes back is found within a second, and one that is silent given up.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 5_000),
)

_Version = tuple[tuple[int, int, int], ...]


class AdminChannel(Protocol):
    """Gives a channel for one call."""

    async def get(self) -> grpc.aio.Channel:
        """Return the channel to call on now. Raises `OSError`."""
        ...

    async def close(self) -> None:
        """Let calls under way end."""


class SocketChannel:
    """To a process on the same machine, over a Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._channel = grpc.aio.insecure_channel(f"unix:{socket}", options=_OPTIONS)

    async def get(self) -> grpc.aio.Channel:
        """Return the one channel."""
        return self._channel

    async def close(self) -> None:
        """Let calls under way end."""
        await self._channel.close(_GRACE_SECONDS)


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM files: who vouches for the server, and who we are."""

    authority: Path
    certificate: Path
    key: Path

    def version(self) -> _Version:
        """Return what is another when a file was replaced. Raises `OSError`."""
        stats = (path.stat() for path in (self.authority, self.certificate, self.key))
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)

    def credentials(self) -> grpc.ChannelCredentials:
        """Return what a channel shows and trusts. Raises `OSError`."""
        return grpc.ssl_channel_credentials(
            self.authority.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes()
        )


class SecureChannel:
    """To `host:port` over mTLS; certificates that are replaced are used from the next call on."""

    def __init__(self, address: str, identity: Identity) -> None:
        """Read the files. Raises `OSError`."""
        self._address = address
        self._identity = identity
        self._version = identity.version()
        self._channel = self._open()

    async def get(self) -> grpc.aio.Channel:
        """Return a channel made of the files as they are now. Raises `OSError`."""
        version = self._identity.version()
        if version != self._version:
            old, self._channel = self._channel, self._open()
            self._version = version
            _log.info("certificates.replaced")
            await old.close(_GRACE_SECONDS)
        return self._channel

    async def close(self) -> None:
        """Let calls under way end."""
        await self._channel.close(_GRACE_SECONDS)

    def _open(self) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(
            self._address, self._identity.credentials(), options=_OPTIONS
        )
