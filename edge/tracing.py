"""Spans to an OpenTelemetry collector, with W3C trace context upstream and to authz."""

from typing import Final

from envoy_data_plane.envoy.config.core.v3 import GrpcService, GrpcServiceEnvoyGrpc
from envoy_data_plane.envoy.config.trace.v3 import OpenTelemetryConfig, TracingHttp
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManagerTracing,
    RequestIdExtension,
)
from envoy_data_plane.envoy.extensions.request_id.uuid.v3 import UuidRequestIdConfig
from envoy_data_plane.envoy.type.v3 import Percent

from edge import clusters
from edge.messages import pack, seconds

_SAMPLED_PERCENT: Final = 1.0


def tracing() -> HttpConnectionManagerTracing:
    """Trace one request in a hundred; a client's header cannot force the others."""
    collector = GrpcService(
        envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=clusters.COLLECTOR), timeout=seconds(1)
    )
    tracer = OpenTelemetryConfig(grpc_service=collector, service_name="tessera-edge")
    return HttpConnectionManagerTracing(
        provider=TracingHttp(name="envoy.tracers.opentelemetry", typed_config=pack(tracer)),
        client_sampling=Percent(value=0),
        random_sampling=Percent(value=_SAMPLED_PERCENT),
        overall_sampling=Percent(value=100),
        spawn_upstream_span=True,
    )


def untouched_request_id() -> RequestIdExtension:
    """Keep tracing from reading or marking the request id, which is as long as a UUID but none."""
    config = UuidRequestIdConfig(pack_trace_reason=False, use_request_id_for_trace_sampling=False)
    return RequestIdExtension(typed_config=pack(config))
