"""Public keys from where GitHub publishes them."""

import asyncio
from collections.abc import Callable
from typing import Final

import httpx
import structlog

from leaks.metrics import Metrics
from leaks.public_keys import (
    BadPublicKeysError,
    KeysUnavailableError,
    PublicKey,
    PublicKeys,
)

_TIMEOUT_SECONDS: Final = 5.0
_BYTES_MAX: Final = 2**20
_AGE_SECONDS_MAX: Final = 3600.0
_PAUSE_SECONDS: Final = 60.0

_log = structlog.get_logger()


class KeyFetcher:
    """Fetches the list when it is needed, at most once a minute; the last good one is kept."""

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        clock: Callable[[], float],
        metrics: Metrics,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """`clock` returns seconds that only grow."""
        self._url = url
        self._client = client
        self._clock = clock
        self._metrics = metrics
        self._pause_seconds = pause_seconds
        self._lock = asyncio.Lock()
        self._keys: PublicKeys | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._failed = False

    async def find(self, identifier: str) -> PublicKey | None:
        """Return the key of that name; a name that is not known has the list fetched.

        Raises:
            KeysUnavailableError: it is not known, and the last attempt to fetch the list failed.
        """
        async with self._lock:  # what comes together waits for one fetch
            key = self._find(identifier)
            if (key is None or self._is_old()) and self._may_try():
                await self._try()
                key = self._find(identifier)
        if key is None and self._failed:
            raise KeysUnavailableError
        return key

    async def is_ready(self) -> bool:
        """Tell whether a list is held, once it could have been fetched."""
        async with self._lock:
            if self._keys is None and self._may_try():
                await self._try()
        return self._keys is not None

    def _find(self, identifier: str) -> PublicKey | None:
        return None if self._keys is None else self._keys.find(identifier)

    def _is_old(self) -> bool:
        return self._clock() - self._fetched_at > _AGE_SECONDS_MAX

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= self._pause_seconds

    async def _try(self) -> None:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._keys = PublicKeys.parse(await self._fetch())
        except (httpx.HTTPError, BadPublicKeysError, TimeoutError) as error:
            self._failed = True
            self._metrics.count_fetch("failed")
            _log.warning("public_keys.missed", url=self._url, error=type(error).__name__)
        else:
            self._failed = False
            self._fetched_at = self._clock()
            self._metrics.count_fetch("fetched")
            _log.info("public_keys.fetched", url=self._url, keys=len(self._keys))

    async def _fetch(self) -> bytes:
        content = b""
        async with self._client.stream("GET", self._url) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _BYTES_MAX:
                    raise BadPublicKeysError(f"{self._url} is longer than {_BYTES_MAX} bytes")
        return content
