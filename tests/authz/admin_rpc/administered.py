"""The whole admin service on a real database, but for the mail server."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest

from authz.administer import make_administration
from authz.domain.pepper import Peppers
from authz.rpc.admin.services import make_services
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.mint import Mint
from authz.storage.admin.database import Database
from authz.storage.admin.head_file import HeadFile
from authz.storage.admin.pool import open_pool
from proto.tessera.admin.v1.accounts_pb2 import Account, CreateAccountRequest, CreateAccountResponse
from proto.tessera.admin.v1.keys_pb2 import IssueKeyRequest, IssueKeyResponse
from tests.authz.admin.process_table import ProcessTable
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import Client, details
from tests.authz.admin_rpc.serving import Serving, serving
from tests.authz.logins import ADMIN, login_url
from tests.authz.mail.doubles import FakeMailer

_OLD, _NEW = "5e" * 32, "10" * 32


@dataclass(slots=True)
class Administered:
    """A service, who owns it, and what it stands on."""

    serving: Serving
    owner: Client
    mailer: FakeMailer
    connection: asyncpg.Connection
    peppers: Peppers

    def add_pepper(self) -> None:
        """Do what a platform engineer does to the pepper file."""
        self.peppers = Peppers.parse(f"{_OLD}\n{_NEW}")

    async def make_account(self, name: str = "acme") -> Account:
        """Make an account without a key."""
        request = CreateAccountRequest(name=name, email="ada@example.com", tier="standard")
        return (await self.owner.call(request, CreateAccountResponse)).account

    async def issue(self, account: str, request_id: str = "") -> IssueKeyResponse:
        """Issue a key of an account."""
        request = IssueKeyRequest(
            account=account, name="main", environment="prod", request_id=request_id
        )
        return await self.owner.call(request, IssueKeyResponse)

    async def refusal(self, request: Message) -> "Refusal":
        """Send a request that is refused."""
        kind = type(request)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.owner.call(request, kind)
        return Refusal(caught.value)

    async def put_process(self, name: str, number: int) -> None:
        """Write down what a process that answers checks would tell of itself."""
        await ProcessTable(self.connection).tell(name, number, peppers=self.peppers.ids)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call was refused."""

    error: grpc.aio.AioRpcError

    @property
    def code(self) -> grpc.StatusCode:
        """The status."""
        return self.error.code()

    @property
    def fields(self) -> list[str]:
        """The fields that are wrong."""
        detail = details(self.error)["BadRequest"]
        assert isinstance(detail, BadRequest)
        return [violation.field for violation in detail.field_violations]

    def detail(self, name: str) -> Message:
        """One of the details."""
        return details(self.error)[name]


@asynccontextmanager
async def administered(
    url: str, authority: Authority, head_file: Path
) -> AsyncIterator[Administered]:
    """Run the service with the rights of the control plane and no more."""
    connection = await asyncpg.connect(url)
    mailer = FakeMailer()

    def peppers() -> Peppers:
        return running.peppers

    async with open_pool(login_url(url, ADMIN)) as pool:
        database = Database(pool, peppers, HeadFile(head_file))
        mint = Mint(peppers, secrets.randbelow)
        acknowledgements = Acknowledgements(database, time.monotonic)
        administration = make_administration(database, peppers, mint, mailer, acknowledgements)
        services = make_services(administration, lambda: datetime.now(UTC))
        async with serving(authority, services) as server:
            owner = server.connect_locally()
            running = Administered(server, owner, mailer, connection, Peppers.parse(_OLD))
            yield running
            await owner.close()
    connection.terminate()


def some_id() -> str:
    """Return an id that nothing has."""
    return str(UUID(int=7, version=4))
