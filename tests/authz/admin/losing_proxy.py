"""A connection to PostgreSQL that is lost at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_CHUNK = 65536


@dataclass(slots=True)
class LosingProxy:
    """Passes everything on, except the answers to the next `commits_to_lose` commits."""

    url: str
    commits_to_lose: int = 0

    async def pass_on(
        self, client: tuple[asyncio.StreamReader, asyncio.StreamWriter], socket: str
    ) -> None:
        """Serve one client."""
        from_client, to_client = client
        from_server, to_server = await asyncio.open_unix_connection(socket)
        back = asyncio.create_task(_copy(from_server, to_client))
        while content := await from_client.read(_CHUNK):
            loses = b"COMMIT;" in content and self.commits_to_lose > 0
            if loses:
                self.commits_to_lose -= 1
                back.cancel()
            to_server.write(content)
            if loses:
                await from_server.read(_CHUNK)  # so it was committed
                break
        back.cancel()
        to_server.close()
        to_client.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while content := await source.read(_CHUNK):
        target.write(content)
    target.close()


@asynccontextmanager
async def losing_proxy(url: str) -> AsyncIterator[LosingProxy]:
    """Listen on a free loopback port, for the server that `url` names by its socket's folder."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    socket = str(Path(options["host"][0], ".s.PGSQL.5432"))
    proxy = LosingProxy("")
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        await proxy.pass_on((reader, writer), socket)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.url = f"postgresql://{options['user'][0]}@127.0.0.1:{port}{parts.path}"
    try:
        yield proxy
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
