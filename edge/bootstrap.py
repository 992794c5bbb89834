"""Envoy's whole configuration, from a deployment; the two deployments that are rendered."""

from typing import Final

from envoy_data_plane.envoy.config.bootstrap.v3 import (
    Bootstrap,
    BootstrapStaticResources,
    LayeredRuntime,
    RuntimeLayer,
)
from envoy_data_plane.envoy.config.core.v3 import Node
from envoy_data_plane.google.protobuf import Struct

from edge.clusters import all_clusters
from edge.deployment import (
    Address,
    Capacity,
    Deployment,
    TcpAddress,
    Timeouts,
    TlsSecret,
    UnixSocket,
)
from edge.listener import public_listener
from edge.observability import admin, observability_listener
from edge.overload import overload_manager
from edge.yaml import to_yaml

_SOCKETS: Final = "/run/tessera"
"""Where the sockets lie that Envoy shares with the authz sidecar, in an emptyDir, and the file of
failed requests."""

_PUBLIC_PORT: Final = 8080
_PUBLIC_TLS_PORT: Final = 8443
_OBSERVABILITY_PORT: Final = 9901
_ADAPTER: Final = TcpAddress("tessera-inference", 8000)
_COLLECTOR: Final = TcpAddress("otel-collector", 4317)

_RUNTIME: Final = {
    # A key's pattern compiles to 102 instructions, just over the default of 100.
    "re2.max_program_size.error_level": 200,
    # An error that authz answers says nothing of its health.
    "outlier_detection.enforcing_consecutive_5xx": 0,
}


def render_local(
    *,
    public: TcpAddress,
    authz: tuple[UnixSocket, ...],
    adapter: UnixSocket,
    usage: UnixSocket,
    admin: Address,
    observability: Address,
    failures: str,
    access_log: str = "/dev/stdout",
    timeouts: Timeouts | None = None,
    capacity: Capacity | None = None,
    trusted_hops: int = 0,
) -> str:
    """Return the configuration, in YAML, of an Envoy beside everything it talks to."""
    deployment = Deployment(
        public=public,
        authz=authz,
        adapter=adapter,
        usage=usage,
        admin=admin,
        observability=observability,
        failures=failures,
        access_log=access_log,
        timeouts=timeouts or Timeouts(),
        capacity=capacity or Capacity(),
        trusted_hops=trusted_hops,
    )
    return to_yaml(bootstrap(deployment))


def render_kubernetes(*, tls: TlsSecret | None = None) -> str:
    """Return the configuration, in YAML, of an Envoy in a pod with authz as its sidecar."""
    deployment = Deployment(
        public=TcpAddress("0.0.0.0", _PUBLIC_PORT if tls is None else _PUBLIC_TLS_PORT),  # noqa: S104 the pod's address is given by the cluster
        authz=(UnixSocket(f"{_SOCKETS}/authz.sock"),),
        adapter=_ADAPTER,
        usage=UnixSocket(f"{_SOCKETS}/report.sock"),
        admin=UnixSocket(f"{_SOCKETS}/envoy-admin.sock"),
        observability=TcpAddress("0.0.0.0", _OBSERVABILITY_PORT),  # noqa: S104 scraped from outside the pod; a network policy says by whom
        failures=f"{_SOCKETS}/failures.jsonl",
        tls=tls,
        collector=_COLLECTOR,
    )
    return to_yaml(bootstrap(deployment))


def bootstrap(deployment: Deployment) -> Bootstrap:
    """Return the configuration of a deployment."""
    return Bootstrap(
        node=Node(id="tessera-edge", cluster="tessera-edge"),
        admin=admin(deployment.admin),
        overload_manager=overload_manager(deployment.capacity),
        layered_runtime=LayeredRuntime(
            layers=[RuntimeLayer(name="static", static_layer=Struct.from_dict(_RUNTIME))]
        ),
        static_resources=BootstrapStaticResources(
            listeners=[public_listener(deployment), observability_listener(deployment)],
            clusters=all_clusters(deployment),
        ),
    )
