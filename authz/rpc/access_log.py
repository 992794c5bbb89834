"""Counts what became of requests, from the access log that Envoy streams.

The stream is sent at most once and may lose entries, so nothing that is billed depends on it.
"""

from collections.abc import AsyncIterator
from typing import Final, TypeAlias

import grpc
from prometheus_client import CollectorRegistry, Counter, Histogram

from authz.rpc.observed_traffic import read_traffic
from authz.service.count_traffic import TrafficCounter
from proto.tessera.envoy.v1 import access_log_service_pb2
from proto.tessera.envoy.v1.access_log_pb2 import (
    HttpAccessLogEntry,
    StreamAccessLogsMessage,
    StreamAccessLogsResponse,
)

SERVICE: Final = access_log_service_pb2.DESCRIPTOR.services_by_name["AccessLogService"].full_name

_ROUTES_MAX: Final = 32
_OTHER: Final = "other"

AccessLogContext: TypeAlias = (
    "grpc.aio.ServicerContext[StreamAccessLogsMessage, StreamAccessLogsResponse]"
)


class AccessLogServicer:
    """Counts responses by route, status and what went wrong; every label's values are bounded.

    What was charged is counted by the minute besides, by `traffic`.
    """

    def __init__(self, registry: CollectorRegistry, traffic: TrafficCounter) -> None:
        self._traffic = traffic
        self._responses = Counter(
            "authz_responses",
            "Responses that Envoy sent; status 0 where the client left first",
            ["route", "status", "flag"],
            registry=registry,
        )
        self._seconds = Histogram(
            "authz_response_seconds",
            "Time from a request's first byte to its response's last",
            ["route"],
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )
        self._routes: set[str] = set()

    async def stream_access_logs(
        self, messages: AsyncIterator[StreamAccessLogsMessage], _: AccessLogContext
    ) -> StreamAccessLogsResponse:
        """Take entries in until Envoy ends the stream."""
        async for message in messages:
            for entry in message.http_logs.log_entry:
                self._count(entry)
        return StreamAccessLogsResponse()

    def _count(self, entry: HttpAccessLogEntry) -> None:
        route = self._bound(entry.common_properties.route_name)
        status = str(min(entry.response.response_code.value, 999))
        self._responses.labels(route, status, _first_flag(entry)).inc()
        duration = entry.common_properties.duration
        self._seconds.labels(route).observe(duration.seconds + duration.nanos / 1e9)
        if (observed := read_traffic(entry)) is not None:
            self._traffic.count(*observed)

    def _bound(self, route: str) -> str:
        if route not in self._routes and len(self._routes) >= _ROUTES_MAX:
            return _OTHER
        self._routes.add(route)
        return route

    def handler(
        self,
    ) -> "grpc.GenericRpcHandler[StreamAccessLogsMessage, StreamAccessLogsResponse]":
        """Return what a server needs to route streams here."""
        stream = grpc.stream_unary_rpc_method_handler(
            self.stream_access_logs,
            request_deserializer=StreamAccessLogsMessage.FromString,
            response_serializer=StreamAccessLogsResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"StreamAccessLogs": stream})


def _first_flag(entry: HttpAccessLogEntry) -> str:
    """Return the name of what went wrong, `none` where nothing did."""
    for field, _ in entry.common_properties.response_flags.ListFields():
        return field.name
    return "none"
