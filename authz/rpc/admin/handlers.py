"""From a service's description and an object with its methods to what a server routes calls to."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from authz.rpc.admin.call import Call
from authz.rpc.admin.identity import AdminContext, identify

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Handlers: TypeAlias = "grpc.GenericRpcHandler[Any, Any]"
Unary = Callable[[Any, Call], Awaitable[Message]]
Stream = Callable[[Any, Call], AsyncIterator[Message]]

_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


def make_handlers(service: ServiceDescriptor, servicer: object) -> Handlers:
    """Route each method of `service` to the servicer's: `IssueKey` to `issue_key`.

    Raises:
        AttributeError: the servicer lacks one.
    """
    handlers = {
        method.name: _make_handler(method, getattr(servicer, _WORD.sub("_", method.name).lower()))
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _make_handler(method: MethodDescriptor, function: Any) -> Handler:  # noqa: ANN401 Unary or Stream
    request = GetMessageClass(method.input_type).FromString
    response = GetMessageClass(method.output_type).SerializeToString
    if method.server_streaming:
        stream = _stream(method.name, function)
        return grpc.unary_stream_rpc_method_handler(stream, request, response)
    return grpc.unary_unary_rpc_method_handler(_unary(method.name, function), request, response)


def _unary(name: str, function: Unary) -> Callable[[Message, AdminContext], Awaitable[Message]]:
    async def answer(request: Message, context: AdminContext) -> Message:
        return await function(request, Call(identify(context), name))

    return answer


def _stream(
    name: str, function: Stream
) -> Callable[[Message, AdminContext], AsyncIterator[Message]]:
    def answer(request: Message, context: AdminContext) -> AsyncIterator[Message]:
        return function(request, Call(identify(context), name))

    return answer
