"""The listener for probes and scrapes: two paths of the admin interface, and no other."""

from envoy_data_plane.envoy.config.bootstrap.v3 import Admin
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    HeaderMatcher,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpFilter,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from edge import clusters, messages
from edge.deployment import Address, Deployment
from edge.messages import pack, seconds

_SOCKET_MODE = 0o660


def admin(where: Address) -> Admin:
    """Return the admin interface, which can stop Envoy: on a socket or loopback only."""
    return Admin(address=messages.address(where, mode=_SOCKET_MODE), ignore_global_conn_limit=True)


def observability_listener(deployment: Deployment) -> Listener:
    """Return the listener, which stays open however overloaded Envoy is."""
    chain = FilterChain(
        filters=[
            Filter(
                name="envoy.filters.network.http_connection_manager",
                typed_config=pack(_connection_manager()),
            )
        ]
    )
    return Listener(
        name="observability",
        address=messages.address(deployment.observability, mode=_SOCKET_MODE),
        filter_chains=[chain],
        ignore_global_conn_limit=True,
        bypass_overload_manager=True,
    )


def _connection_manager() -> HttpConnectionManager:
    routes = [
        _pass("/ready"),
        _pass("/stats/prometheus"),
        Route(match=RouteMatch(prefix="/"), direct_response=DirectResponseAction(status=404)),
    ]
    everything = VirtualHost(name="everything", domains=["*"], routes=routes)
    return HttpConnectionManager(
        stat_prefix="observability",
        normalize_path=True,
        route_config=RouteConfiguration(name="observability", virtual_hosts=[everything]),
        http_filters=[HttpFilter(name="envoy.filters.http.router", typed_config=pack(Router()))],
    )


def _pass(path: str) -> Route:
    is_get = HeaderMatcher(name=":method", string_match=StringMatcher(exact="GET"))
    return Route(
        name=path.removeprefix("/"),
        match=RouteMatch(path=path, headers=[is_get]),
        route=RouteAction(cluster=clusters.ADMIN, timeout=seconds(10)),
    )
