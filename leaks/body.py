"""Reads the bodies of reports, of which anybody can send any."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from leaks import refusals
from leaks.refusals import Refusal

BODY_BYTES_MAX: Final = 2**20
_ALL_BYTES_MAX: Final = 64 * 2**20
_SECONDS: Final = 10.0


class BodyReader:
    """Holds a limited number of bytes of bodies that have not arrived whole, over all requests."""

    def __init__(self, all_bytes_max: int = _ALL_BYTES_MAX) -> None:
        self._left = all_bytes_max

    async def read(self, request: Request) -> bytes | Refusal:
        """Return a body, or why it was not read."""
        content = bytearray()
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._collect(request, content)
        except TimeoutError:
            return refusals.too_slow()
        except ClientDisconnect:
            return refusals.incomplete()
        finally:
            self._left += len(content)

    async def _collect(self, request: Request, content: bytearray) -> bytes | Refusal:
        async for chunk in request.stream():
            if len(content) + len(chunk) > BODY_BYTES_MAX:
                return refusals.body_too_large(BODY_BYTES_MAX)
            if len(chunk) > self._left:
                return refusals.too_busy()
            content += chunk
            self._left -= len(chunk)
        return bytes(content)
