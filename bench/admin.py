"""The admin API and the authz processes of a stack, called as closely as possible."""

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar

import grpc
from google.protobuf.message import Message

from contract.headers import TOKENS
from proto.tessera.admin.v1.processes_pb2 import ListProcessesRequest, ListProcessesResponse
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest, CheckResponse
from stack.layout import Layout

R = TypeVar("R", bound=Message)

_SECONDS: Final = 60.0
CHECK: Final = "/envoy.service.auth.v3.Authorization/Check"


class Admin:
    """The admin API on a stack's own socket."""

    def __init__(self, layout: Layout) -> None:
        self._channel = grpc.aio.insecure_channel(f"unix:{layout.socket('admin')}")

    async def call(self, method: str, request: Message, response: type[R]) -> R:
        """Call `KeyService/IssueKey` or another."""
        call = self._channel.unary_unary(
            f"/tessera.admin.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        answer: R = await call(request, timeout=_SECONDS)
        return answer

    async def settle(self) -> None:
        """Return once every process has applied what is committed now."""
        wanted = (await self._processes()).change_number
        while True:
            processes = (await self._processes()).processes
            if all(process.change_number >= wanted for process in processes):
                return
            await asyncio.sleep(0.005)

    async def _processes(self) -> ListProcessesResponse:
        request = ListProcessesRequest()
        return await self.call("ProcessService/ListProcesses", request, ListProcessesResponse)


class Gate:
    """One authz process, asked as Envoy asks it."""

    def __init__(self, layout: Layout, name: str) -> None:
        channel = grpc.aio.insecure_channel(f"unix:{layout.socket(name)}")
        self._check = channel.unary_unary(
            CHECK, CheckRequest.SerializeToString, CheckResponse.FromString
        )

    async def allows(self, question: CheckRequest) -> bool:
        """Tell whether a request may pass."""
        return await self.tokens(question) is not None

    async def tokens(self, question: CheckRequest) -> int | None:
        """Return what a request that may pass was charged, 0 where it is free."""
        answer: CheckResponse = await self._check(question, timeout=_SECONDS)
        if answer.status.code != 0:
            return None
        told = {each.header.key: each.header.value for each in answer.ok_response.headers}
        return int(told.get(TOKENS, 0))


def make_gates(layout: Layout, count: int) -> Sequence[Gate]:
    """Return the stack's authz processes."""
    return [Gate(layout, f"authz-{number}") for number in range(1, count + 1)]


def ask(key: str, method: str, path: str, body: bytes = b"") -> CheckRequest:
    """Return Envoy's question about one request."""
    request = CheckRequest()
    http = request.attributes.request.http
    http.method, http.path, http.raw_body = method, path, body
    http.headers["authorization"] = f"Bearer {key}"
    return request
