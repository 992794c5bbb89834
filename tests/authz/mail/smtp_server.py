"""Mail servers on free loopback ports: a real one, and one that does as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.certificates import Issued

HOST = "127.0.0.1"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Inbox:
    """What a server has accepted, and with what it refuses what is not to be accepted."""

    messages: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    tls_versions: set[str] = field(default_factory=set)
    refuse_sender: str | None = None
    refuse_recipient: str | None = None
    refuse_message: str | None = None
    login: tuple[str, str] | None = None
    """User name and password without which nothing is accepted."""

    async def handle_MAIL(  # noqa: N802 - the name is aiosmtpd's
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Answer MAIL FROM."""
        envelope.mail_from = address
        return self.refuse_sender or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Answer RCPT TO."""
        if self.refuse_recipient is None:
            envelope.rcpt_tos.append(address)
        return self.refuse_recipient or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer the message, after its end."""
        if self.refuse_message is not None:
            return self.refuse_message
        assert isinstance(envelope.content, bytes)
        assert isinstance(server.transport, asyncio.Transport)
        self.messages.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        self.tls_versions.add(server.transport.get_extra_info("ssl_object").version())
        return "250 2.0.0 queued"

    def check_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        """Answer AUTH."""
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)


def tls_of(issued: Issued) -> ssl.SSLContext:
    """A server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


@asynccontextmanager
async def real_server(
    inbox: Inbox, tls: ssl.SSLContext, *, implicit: bool = False
) -> AsyncIterator[int]:
    """Run aiosmtpd, which takes nothing without TLS; yield its port."""
    loop = asyncio.get_running_loop()

    def converse() -> SMTP:
        return SMTP(
            inbox,
            hostname="mx.example",
            tls_context=None if implicit else tls,
            require_starttls=not implicit,
            auth_required=inbox.login is not None,
            auth_require_tls=not implicit,  # aiosmtpd does not know that it is behind TLS already
            authenticator=inbox.check_login,
            loop=loop,
        )

    server = await loop.create_server(converse, HOST, 0, ssl=tls if implicit else None)
    async with _listening(server) as port:
        yield port


@asynccontextmanager
async def told_server(talk: Talk) -> AsyncIterator[int]:
    """Run `talk` on each connection; yield the port."""
    talking = set[asyncio.Task[None]]()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(asyncio.create_task(converse(reader, writer)))

    async with _listening(await asyncio.start_server(accept, HOST, 0)) as port:
        yield port
    for task in talking:
        task.cancel()
    await asyncio.gather(*talking, return_exceptions=True)


@asynccontextmanager
async def _listening(server: asyncio.Server) -> AsyncIterator[int]:
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


@dataclass(frozen=True)
class Script:
    """Replies to each command; `None` hangs up, an empty one says nothing for ever."""

    greeting: str | None = "220 mx.example"
    replies: dict[str, str | None] = field(default_factory=dict)
    after_data: str | None = "250 OK"
    tls: ssl.SSLContext | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client."""
        await _say(writer, self.greeting)
        while line := await reader.readline():
            command = line[:4].decode("ascii").upper()
            if command == "DATA":
                await _say(writer, "354 go on")
                await reader.readuntil(b"\r\n.\r\n")
                await _say(writer, self.after_data)
                continue
            await _say(writer, self.replies.get(command, self._default(command)))
            if command == "STAR" and self.tls is not None:
                await writer.start_tls(self.tls)

    def _default(self, command: str) -> str:
        if command == "EHLO" and self.tls is not None:
            return "250-mx.example\r\n250 STARTTLS"
        return "220 go on" if command == "STAR" else "250 OK"


async def _say(writer: asyncio.StreamWriter, reply: str | None) -> None:
    if reply is None:
        raise ConnectionResetError
    if reply == "":
        await asyncio.sleep(60)
    writer.write(f"{reply}\r\n".encode())
    await writer.drain()
