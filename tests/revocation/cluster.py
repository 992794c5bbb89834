"""Several authz processes and one admin process on one database, asked over their own sockets."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from google.protobuf.message import Message

from proto.tessera.admin.v1.accounts_pb2 import CreateAccountRequest, CreateAccountResponse
from proto.tessera.admin.v1.keys_pb2 import IssueKeyRequest, IssueKeyResponse
from proto.tessera.admin.v1.processes_pb2 import ListProcessesRequest, ListProcessesResponse
from tests.authz.admin_rpc.admin_process import AdminProcess, local_settings
from tests.authz.admin_rpc.client import Client
from tests.authz.running import Authz, Setup

R = TypeVar("R", bound=Message)

_CALL_SECONDS: Final = 30.0


class Cluster:
    """The processes, from the first `connected` to `stop`; every call has a deadline.

    Tests share it and ill-treat it: what one has frozen or ended goes on in the next.
    """

    def __init__(self, folder: Path, database_url: str, model_folder: Path, size: int) -> None:
        self.names = tuple(f"authz-{number}" for number in range(size))
        self._setups = {
            name: Setup(folder / name, database_url, model_folder) for name in self.names
        }
        for name in (*self.names, "admin"):
            (folder / name).mkdir()
        settings = local_settings(folder / "admin", database_url)
        self._admin = AdminProcess(folder / "admin", settings)
        self._client: Client
        self.gates: dict[str, Authz] = {}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Cluster"]:
        """Have all processes run, and talk to them in this event loop."""
        if self._admin.popen is None:
            self._admin.start()
        self._client = self._admin.connect()
        for name in self.names:
            self.revive(name)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._hang_up)
            await self._admin.says(serving=True)
            for gate in self.gates.values():
                await gate.serves()
            yield self

    def revive(self, name: str) -> None:
        """Have one process run, whatever was done to it."""
        gate = self.gates.get(name)
        if gate is None or gate.process.poll() is not None:
            self.gates[name] = Authz(self._setups[name], {"AUTHZ_PROCESS_NAME": name})
        else:
            gate.process.send_signal(signal.SIGCONT)
            gate.connect()

    def freeze(self, name: str) -> None:
        """Have one process do nothing, as if its machine were suspended."""
        self.gates[name].process.send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self.gates[name].process.send_signal(signal.SIGCONT)

    async def statuses(self, key: str) -> list[int]:
        """Return the HTTP status that each process gives to a request with this key."""
        return [await self.status(name, key) for name in self.names]

    async def status(self, name: str, key: str) -> int:
        """Return the HTTP status that one process gives to a request with this key."""
        answer = await self.gates[name].check(key, b"", "GET", "/v1/models")
        return answer.denied_response.status.code or 200

    async def call(self, request: Message, response: type[R]) -> R:
        """Call the admin API."""
        return await self._client.call(request, response, _CALL_SECONDS)

    async def open_account(self, name: str) -> str:
        """Make an account; return its id."""
        request = CreateAccountRequest(name=name, email="dev@example.com", tier="standard")
        return (await self.call(request, CreateAccountResponse)).account.id

    async def issue(self, request: IssueKeyRequest) -> IssueKeyResponse:
        """Make a key, and return once every process knows it."""
        issued = await self.call(request, IssueKeyResponse)
        await self.settle()
        return issued

    async def settle(self) -> None:
        """Return once every process has applied what is committed now."""
        wanted = (await self.processes()).change_number
        async with asyncio.timeout(_CALL_SECONDS):
            while not await self._has_applied(wanted):  # noqa: ASYNC110 it is another process
                await asyncio.sleep(0.005)

    async def _has_applied(self, number: int) -> bool:
        processes = (await self.processes()).processes
        return all(process.change_number >= number for process in processes)

    async def processes(self) -> ListProcessesResponse:
        """Return what every process has acknowledged."""
        return await self.call(ListProcessesRequest(), ListProcessesResponse)

    async def _hang_up(self) -> None:
        for client in self._admin.clients:
            await client.close()
        self._admin.clients.clear()
        for gate in self.gates.values():
            await gate.channel.close(None)

    def stop(self) -> None:
        """End all processes, without a word."""
        for gate in self.gates.values():
            gate.kill()
        if self._admin.popen is not None:
            self._admin.popen.kill()
            self._admin.popen.wait(_CALL_SECONDS)
