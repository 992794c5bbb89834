"""A real server of the admin API in the test's own process."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from prometheus_client import CollectorRegistry

from authz.rpc.admin.call_log import CallLog
from authz.rpc.admin.certificates import CertificateFiles, Certificates
from authz.rpc.admin.deadlines import limit_seconds
from authz.rpc.admin.gate import Gate
from authz.rpc.admin.handlers import Handlers
from authz.rpc.admin.server import AdminServer, SecureAddress
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import Client

_UNSHARED = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that listens on a Unix socket and on a loopback port, and who signs its clients."""

    server: AdminServer
    socket: Path
    port: int
    files: CertificateFiles
    authority: Authority
    registry: CollectorRegistry

    def connect_locally(self) -> Client:
        """Connect over the Unix socket."""
        return Client(grpc.aio.insecure_channel(f"unix:{self.socket}", _UNSHARED))

    def connect(self, credentials: grpc.ChannelCredentials) -> Client:
        """Connect over TCP."""
        address = f"127.0.0.1:{self.port}"
        return Client(grpc.aio.secure_channel(address, credentials, _UNSHARED))

    def connect_as(self, role: str, name: str = "ada") -> Client:
        """Connect over TCP with a certificate of this role."""
        return self.connect(self.authority.sign_client(f"spiffe://tessera/admin/{role}/{name}"))


@asynccontextmanager
async def serving(
    authority: Authority,
    services: Mapping[str, Handlers],
    limit: Callable[[str, bool], float] = limit_seconds,
) -> AsyncIterator[Serving]:
    """Serve, in a folder with a name that is short enough for a socket."""

    async def is_database_up() -> bool:
        return True

    registry = CollectorRegistry()
    with tempfile.TemporaryDirectory(prefix="tessera-admin-") as folder:
        files = authority.write_server_files(Path(folder))
        server = AdminServer(Gate(CallLog(registry), limit), services, is_database_up)
        socket = Path(folder, "admin.sock")
        server.listen_on_socket(socket)
        port = server.listen_on_address(SecureAddress("127.0.0.1:0", Certificates(files)))
        await server.start()
        try:
            yield Serving(server, socket, port, files, authority, registry)
        finally:
            await server.stop(0)
