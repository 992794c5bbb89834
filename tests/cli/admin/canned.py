"""A server that speaks the admin API with canned answers, and keeps what it was asked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
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

R = TypeVar("R", bound=Message)

FILES: tuple[FileDescriptor, ...] = (
    accounts_pb2.DESCRIPTOR,
    audit_pb2.DESCRIPTOR,
    decisions_pb2.DESCRIPTOR,
    invoices_pb2.DESCRIPTOR,
    keys_pb2.DESCRIPTOR,
    peppers_pb2.DESCRIPTOR,
    prices_pb2.DESCRIPTOR,
    processes_pb2.DESCRIPTOR,
    tiers_pb2.DESCRIPTOR,
    usage_pb2.DESCRIPTOR,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status to end a call with, and the details beside it."""

    code: grpc.StatusCode
    message: str
    packed: bytes | None = None

    def end(self, context: grpc.ServicerContext) -> None:
        """End the call so."""
        if self.packed is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", self.packed),))
        context.abort(self.code, self.message)


def refusal(code: grpc.StatusCode, message: str, reason: str, *details: Message) -> Refusal:
    """Return what the server says when it refuses for a reason."""
    status = Status(code=code.value[0], message=message)
    for each in (ErrorInfo(domain="tessera", reason=reason), *details):
        status.details.add().Pack(each)
    return Refusal(code, message, status.SerializeToString())


Answer = Message | Refusal | list[Message]


@dataclass
class CannedServer:
    """`answers` by method, the last of each for ever; `requests` and `metadata` as they came."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[Message] = field(default_factory=list)
    deadlines: list[float | None] = field(default_factory=list)

    def answer(self, method: str, *answers: Answer) -> None:
        """Say what a method answers, call after call."""
        self.answers[method] = list(answers)

    def asked(self, kind: type[R]) -> list[R]:
        """Return every request of one kind."""
        return [each for each in self.requests if isinstance(each, kind)]

    def next_answer(self, method: str, request: Message, context: grpc.ServicerContext) -> Answer:
        """Keep a request and return what to answer."""
        self.requests.append(request)
        self.deadlines.append(context.time_remaining())
        left = self.answers[method]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Refusal):
            answer.end(context)
        return answer


@contextmanager
def serving(
    canned: CannedServer, address: str, credentials: grpc.ServerCredentials | None = None
) -> Iterator[int]:
    """Serve on an address and yield the port."""
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(list(_handlers(canned)))
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


def _handlers(canned: CannedServer) -> Iterator["grpc.GenericRpcHandler[Any, Any]"]:
    for file in FILES:
        for service in file.services_by_name.values():
            methods = {each.name: _handler(canned, each) for each in service.methods}
            yield grpc.method_handlers_generic_handler(service.full_name, methods)


def _handler(canned: CannedServer, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
    request_type = message_factory.GetMessageClass(method.input_type)

    def one(request: Message, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 a message
        return canned.next_answer(method.name, request, context)

    def many(request: Message, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from one(request, context)

    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(
            many,
            request_deserializer=request_type.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
    return grpc.unary_unary_rpc_method_handler(
        one,
        request_deserializer=request_type.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
