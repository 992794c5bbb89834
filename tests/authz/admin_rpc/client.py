"""A caller of the admin API that knows it from the service descriptions alone."""

from collections.abc import Iterator
from typing import Final, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from proto.tessera.admin.v1 import (
    accounts_pb2,
    audit_pb2,
    decisions_pb2,
    invoices_pb2,
    keys_pb2,
    peppers_pb2,
    prices_pb2,
    processes_pb2,
    tiers_pb2,
    usage_pb2,
)

M = TypeVar("M", bound=Message)

SERVICES: Final[tuple[ServiceDescriptor, ...]] = tuple(
    service
    for file in (
        *(accounts_pb2, keys_pb2, tiers_pb2, audit_pb2, peppers_pb2, processes_pb2),
        *(usage_pb2, decisions_pb2, prices_pb2, invoices_pb2),
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)
METHODS: Final[dict[str, MethodDescriptor]] = {
    method.name: method for service in SERVICES for method in service.methods
}
_TIMEOUT_SECONDS: Final = 20


class Client:
    """Calls over one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    async def call(self, request: Message, kind: type[M], timeout: float = _TIMEOUT_SECONDS) -> M:  # noqa: ASYNC109 gRPC's own
        """Call the method whose request this is. Raises `AioRpcError`."""
        method = METHODS[type(request).__name__.removesuffix("Request")]
        answer = await self.channel.unary_unary(
            _path(method), lambda message: message.SerializeToString(), kind.FromString
        )(request, timeout=timeout)
        assert isinstance(answer, kind)
        return answer

    async def stream(self, request: Message, kind: type[M]) -> list[M]:
        """Call a method that streams; return all that it sends. Raises `AioRpcError`."""
        method = METHODS[type(request).__name__.removesuffix("Request")]
        call = self.channel.unary_stream(
            _path(method), lambda message: message.SerializeToString(), kind.FromString
        )(request, timeout=_TIMEOUT_SECONDS)
        return [answer async for answer in call]

    async def send(self, method: str, content: bytes) -> bytes:
        """Send bytes, whatever they are. Raises `AioRpcError`."""
        path = method if method.startswith("/") else _path(METHODS[method])
        if not method.startswith("/") and METHODS[method].server_streaming:
            parts = self.channel.unary_stream(path, None, None)(content, timeout=_TIMEOUT_SECONDS)
            return b"".join([part async for part in parts])
        answer: bytes = await self.channel.unary_unary(path, None, None)(
            content, timeout=_TIMEOUT_SECONDS
        )
        return answer

    async def close(self) -> None:
        """Hang up."""
        await self.channel.close(None)


def details(error: grpc.aio.AioRpcError) -> dict[str, Message]:
    """Return the details of a failure by their types' names; status and details must agree."""
    metadata: dict[str, bytes] = dict(error.trailing_metadata())  # type: ignore[arg-type] # stubs
    status = Status.FromString(metadata["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return dict(_unpack(status))


def _unpack(status: Status) -> Iterator[tuple[str, Message]]:
    for packed in status.details:
        name = packed.TypeName().rpartition(".")[2]
        detail = getattr(error_details_pb2, name)()
        assert packed.Unpack(detail)
        yield name, detail


def _path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def empty_request(method: str) -> bytes:
    """Return a request that says nothing."""
    empty: bytes = GetMessageClass(METHODS[method].input_type)().SerializeToString()
    return empty
