"""Whom Envoy calls: authz and its access log service, the adapter, what reports usage, and more."""

from datetime import timedelta
from typing import Final

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    CircuitBreakersThresholdsRetryBudget,
    Cluster,
    ClusterCommonLbConfig,
    ClusterCustomClusterType,
    ClusterLbPolicy,
    OutlierDetection,
)
from envoy_data_plane.envoy.config.core.v3 import (
    HealthCheck,
    HealthCheckGrpcHealthCheck,
    HealthCheckHttpHealthCheck,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpProtocolOptions,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.extensions.clusters.dns.v3 import DnsCluster
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions as ClusterHttpOptions,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.type.v3 import Percent
from envoy_data_plane.google.protobuf import Any

from edge import messages
from edge.deployment import Address, Deployment, TcpAddress
from edge.messages import pack, seconds

AUTHZ: Final = "authz"
ACCESS_LOG: Final = "authz_access_log"
ADAPTER: Final = "adapter"
USAGE: Final = "usage"
ADMIN: Final = "admin"
COLLECTOR: Final = "otel_collector"

_CONNECT_TIMEOUT: Final = timedelta(seconds=1)
_IDLE_SECONDS: Final = 60.0
"""Shorter than our servers keep a connection, so that none is closed as a request is sent."""
_REPORTS_MAX: Final = 64

_STREAM_WINDOW_BYTES: Final = 2**20
_CONNECTION_WINDOW_BYTES: Final = 4 * 2**20
_GRPC_STREAMS_MAX: Final = 1024


def all_clusters(deployment: Deployment) -> list[Cluster]:
    """Return every cluster of the deployment."""
    clusters = [
        _authz(deployment),
        _access_log(deployment),
        _adapter(deployment),
        _usage(deployment),
        _cluster(ADMIN, (deployment.admin,), _http1(idle_seconds=60)),
    ]
    if deployment.collector is not None:
        clusters.append(_cluster(COLLECTOR, (deployment.collector,), _http2()))
    return clusters


def _authz(deployment: Deployment) -> Cluster:
    cluster = _cluster(AUTHZ, deployment.authz, _http2())
    cluster.circuit_breakers = _limits(deployment.capacity.requests_max)
    cluster.health_checks = [_grpc_health()]
    cluster.outlier_detection = _leave_out_the_unreachable()
    cluster.common_lb_config = _only_the_healthy()
    return cluster


def _access_log(deployment: Deployment) -> Cluster:
    """Return authz again, under another name: log streams must not share windows with checks."""
    cluster = _cluster(ACCESS_LOG, deployment.authz, _http2())
    cluster.health_checks = [_grpc_health()]
    cluster.common_lb_config = _only_the_healthy()
    return cluster


def _adapter(deployment: Deployment) -> Cluster:
    cluster = _cluster(ADAPTER, (deployment.adapter,), _http1(_IDLE_SECONDS))
    cluster.circuit_breakers = _limits(deployment.capacity.requests_max)
    if isinstance(deployment.adapter, TcpAddress):
        cluster.health_checks = [_http_health("/readyz")]
    return cluster


def _usage(deployment: Deployment) -> Cluster:
    """Return what reports usage; few at once, for a report may take a while."""
    cluster = _cluster(USAGE, (deployment.usage,), _http1(_IDLE_SECONDS))
    cluster.circuit_breakers = _limits(_REPORTS_MAX)
    cluster.health_checks = [_http_health("/healthz")]
    cluster.common_lb_config = _only_the_healthy()
    return cluster


def _cluster(name: str, addresses: tuple[Address, ...], options: dict[str, Any]) -> Cluster:
    cluster = Cluster(
        name=name,
        connect_timeout=_CONNECT_TIMEOUT,
        lb_policy=ClusterLbPolicy.LEAST_REQUEST,
        load_assignment=_endpoints(name, addresses),
        typed_extension_protocol_options=options,
    )
    if any(isinstance(each, TcpAddress) for each in addresses):
        cluster.cluster_type = _every_address_of_the_name()
    return cluster


def _every_address_of_the_name() -> ClusterCustomClusterType:
    """Resolve the name again and again: a headless service has one address for each replica."""
    dns = DnsCluster(dns_refresh_rate=seconds(5), respect_dns_ttl=True)
    return ClusterCustomClusterType(name="envoy.clusters.dns", typed_config=pack(dns))


def _endpoints(name: str, addresses: tuple[Address, ...]) -> ClusterLoadAssignment:
    endpoints = [
        LbEndpoint(endpoint=Endpoint(address=messages.address(each))) for each in addresses
    ]
    return ClusterLoadAssignment(
        cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=endpoints)]
    )


def _http1(idle_seconds: float) -> dict[str, Any]:
    return _options(
        HttpProtocolOptionsExplicitHttpConfig(http_protocol_options=Http1ProtocolOptions()),
        HttpProtocolOptions(idle_timeout=seconds(idle_seconds)),
    )


def _http2() -> dict[str, Any]:
    windows = Http2ProtocolOptions(
        initial_stream_window_size=_STREAM_WINDOW_BYTES,
        initial_connection_window_size=_CONNECTION_WINDOW_BYTES,
        max_concurrent_streams=_GRPC_STREAMS_MAX,
    )
    return _options(HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=windows), None)


def _options(
    explicit: HttpProtocolOptionsExplicitHttpConfig, common: HttpProtocolOptions | None
) -> dict[str, Any]:
    options = ClusterHttpOptions(explicit_http_config=explicit, common_http_protocol_options=common)
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(options)}


def _limits(requests_max: int) -> CircuitBreakers:
    """Raise the breakers above Envoy's 1,024; beyond them a request is answered 503 at once."""
    budget = CircuitBreakersThresholdsRetryBudget(
        budget_percent=Percent(value=20), min_retry_concurrency=3
    )
    threshold = CircuitBreakersThresholds(
        max_connections=requests_max,
        max_pending_requests=requests_max,
        max_requests=requests_max,
        retry_budget=budget,
        track_remaining=True,
    )
    return CircuitBreakers(thresholds=[threshold])


def _only_the_healthy() -> ClusterCommonLbConfig:
    """Never fall back to processes known to be down, however few are left."""
    return ClusterCommonLbConfig(healthy_panic_threshold=Percent(value=0))


def _leave_out_the_unreachable() -> OutlierDetection:
    """Stop asking a process that failed twice running, before its next health check fails.

    What it answers does not count, only that it could not be asked; and never more than half go.
    Five errors running would count too, but for the runtime in `edge.bootstrap`.
    """
    return OutlierDetection(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=2,
        enforcing_local_origin_success_rate=0,
        enforcing_success_rate=0,
        base_ejection_time=seconds(1),
        max_ejection_percent=50,
    )


def _grpc_health() -> HealthCheck:
    return _health(HealthCheck(grpc_health_check=HealthCheckGrpcHealthCheck()))


def _http_health(path: str) -> HealthCheck:
    return _health(HealthCheck(http_health_check=HealthCheckHttpHealthCheck(path=path)))


def _health(check: HealthCheck) -> HealthCheck:
    check.timeout = seconds(1)
    check.interval = seconds(2)
    check.no_traffic_interval = seconds(2)  # 60 s by default: an idle node would learn too late
    check.unhealthy_interval = seconds(0.5)
    check.unhealthy_threshold = 2
    check.healthy_threshold = 1
    return check
