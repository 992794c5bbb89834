"""The ext_authz filter: what authz is asked, for how long, and what its silence means."""

from typing import Final

from envoy_data_plane.envoy.config.core.v3 import (
    ApiVersion,
    GrpcService,
    GrpcServiceEnvoyGrpc,
)
from envoy_data_plane.envoy.extensions.filters.http.ext_authz.v3 import (
    BufferSettings,
    CheckSettings,
    ExtAuthz,
    ExtAuthzPerRoute,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.type.matcher.v3 import ListStringMatcher, StringMatcher
from envoy_data_plane.envoy.type.v3 import HttpStatus, StatusCode
from envoy_data_plane.google.protobuf import Any

from contract.headers import CLIENT_ADDRESS, REQUEST_ID
from edge import clusters
from edge.deployment import Deployment, Timeouts
from edge.messages import pack, seconds

FILTER: Final = "envoy.filters.http.ext_authz"

_HEADERS_SENT: Final = (
    "authorization",
    "content-length",
    "content-type",
    CLIENT_ADDRESS,
    REQUEST_ID,
    "traceparent",
    "x-stainless-retry-count",
)


def authorization_filter(deployment: Deployment) -> HttpFilter:
    """Ask authz about every request whose route does not say otherwise; no answer is no entry."""
    body = BufferSettings(
        max_request_bytes=deployment.capacity.body_bytes_max,
        allow_partial_message=False,
        pack_as_bytes=True,
    )
    config = ExtAuthz(
        grpc_service=_authz(deployment.timeouts.decision_seconds),
        transport_api_version=ApiVersion.V3,
        failure_mode_allow=False,
        status_on_error=HttpStatus(code=StatusCode.ServiceUnavailable),
        with_request_body=body,
        allowed_headers=ListStringMatcher(
            patterns=[StringMatcher(exact=name) for name in _HEADERS_SENT]
        ),
        # A newline in a header that authz sets is a fault of ours, not a second header.
        validate_mutations=True,
    )
    return HttpFilter(name=FILTER, typed_config=pack(config))


def patience(timeouts: Timeouts) -> Any:
    """Return the route's override for bodies whose tokens take long to count."""
    settings = CheckSettings(grpc_service=_authz(timeouts.counting_seconds))
    return pack(ExtAuthzPerRoute(check_settings=settings))


def _authz(timeout_seconds: float) -> GrpcService:
    target = GrpcServiceEnvoyGrpc(cluster_name=clusters.AUTHZ, skip_envoy_headers=True)
    # No retry: Envoy would repeat the call without its body, and wait until the timeout.
    return GrpcService(envoy_grpc=target, timeout=seconds(timeout_seconds))
