"""What every call passes: who is it, may they, how many, how long, and what came of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import grpc

from authz.rpc.admin.call_log import CallEntry, CallLog
from authz.rpc.admin.deadlines import limit_seconds
from authz.rpc.admin.failures import explain
from authz.rpc.admin.handlers import Handler
from authz.rpc.admin.identity import AdminContext, identify
from authz.rpc.admin.permissions import check_allowed
from authz.rpc.admin.places import Places

Behaviour = Callable[[Any, AdminContext], Any]
Guarded = Callable[[Any, AdminContext], Awaitable[Any]]


class Gate(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # generic in the stubs alone
    """Lets through who may, within a time limit, and answers every exception by the table."""

    def __init__(self, log: CallLog, limit: Callable[[str, bool], float] = limit_seconds) -> None:
        self._log = log
        self._limit = limit
        self._places = Places()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return a method's handler, behind the gate; gRPC refuses a method without one."""
        handler: Handler | None = await continuation(handler_call_details)
        if handler is None:
            return handler  # type: ignore[return-value] # the stubs know of no unknown method
        return self._guard(str(handler_call_details.method), handler)

    def _guard(self, path: str, handler: Handler) -> Handler:
        service, _, method = path.lstrip("/").partition("/")
        is_stream = handler.request_streaming or handler.response_streaming
        limit = self._limit(method, is_stream)

        async def answer(request: Any, context: AdminContext, entry: CallEntry) -> Any:  # noqa: ANN401
            actor = identify(context)
            entry.identify(actor)
            check_allowed(actor, service, method)
            with self._places.take(actor, method, is_stream=is_stream):
                async with asyncio.timeout(limit):
                    return await _answer(handler, request, context)

        async def guarded(request: Any, context: AdminContext) -> Any:  # noqa: ANN401
            entry = self._log.begin(service, method)
            try:
                response = await answer(request, context, entry)
            except asyncio.CancelledError:
                entry.end(grpc.StatusCode.CANCELLED)
                raise
            except grpc.aio.AbortError:  # from gRPC's own health service
                entry.end(grpc.StatusCode.NOT_FOUND)
                raise
            except Exception as error:  # noqa: BLE001 the last place where it can be logged
                failure = explain(error)
                entry.end(failure.code, failure.reason, error)
                return await context.abort(failure.code, failure.message, failure.metadata())
            entry.end(grpc.StatusCode.OK)
            return response

        return _rebuild(handler, guarded)


async def _answer(handler: Handler, request: Any, context: AdminContext) -> Any:  # noqa: ANN401
    """Call a handler of any shape; messages of a stream are written from here.

    Were they yielded, the time limit would not hold while one is on its way.
    """
    if not handler.request_streaming and handler.request_deserializer is not None:
        request = handler.request_deserializer(request)
    answered = _behaviour(handler)(request, context)
    if not isinstance(answered, AsyncIterator):
        return await answered
    async for response in answered:
        await context.write(response)
    return None


def _behaviour(handler: Handler) -> Behaviour:
    found: Any = (  # the stubs know only of synchronous ones
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    if found is None:
        raise ValueError("a handler without a behaviour")
    behaviour: Behaviour = found
    return behaviour


_MAKE: Final[Mapping[tuple[bool, bool], Callable[..., Handler]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _rebuild(handler: Handler, guarded: Guarded) -> Handler:
    """Return the handler with another behaviour, which gets a single request as bytes.

    Bytes that are no message would otherwise fail before the gate, as UNKNOWN and with a traceback.
    """
    make = _MAKE[handler.request_streaming, handler.response_streaming]
    deserializer = handler.request_deserializer if handler.request_streaming else None
    return make(guarded, deserializer, handler.response_serializer)
