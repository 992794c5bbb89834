"""What happens on the client's connection while its request is served."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from contract.errors import ApiError, body_too_large
from contract.limits import BODY_BYTES_MAX

_Result = TypeVar("_Result")


async def read_body(request: Request) -> bytes | ApiError:
    """Read a body whole, or as far as shows that it is too large.

    Raises:
        ClientDisconnect: the client left first.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            return body_too_large(BODY_BYTES_MAX)
        chunks.append(chunk)
    return b"".join(chunks)


async def while_connected(receive: Receive, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return what `work` returns; when the client leaves first, cancel it.

    Raises:
        ClientDisconnect: the client left; `work` has ended.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        watching.cancel()
        if working.cancel():
            await asyncio.wait((working,))


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
