"""The Envoys of the gateway benchmark: the limit, the upstream, and ours in front of it."""

from pathlib import Path
from typing import Any, Final

import orjson

from edge.bootstrap import render_local
from edge.deployment import TcpAddress, UnixSocket
from stack import parts

_MANAGER: Final = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
_ROUTER: Final = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def command(config: Path) -> tuple[str, ...]:
    """Return the command line of an Envoy on one worker thread."""
    return (
        parts.envoy_program(),
        *("--config-path", str(config)),
        "--disable-hot-restart",
        *("--concurrency", "1"),
        *("--log-level", "warn"),
    )


def write_upstream(config: Path, socket: Path) -> None:
    """Configure an upstream that answers 200 at once on a Unix socket."""
    route = {"direct_response": {"status": 200, "body": {"inline_string": "{}"}}}
    _write(config, {"pipe": {"path": str(socket)}}, route, clusters=[])


def write_alone(config: Path, port: int, upstream: Path) -> None:
    """Configure Envoy alone: a listener, a route and the upstream, and nothing else."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(upstream)}}}}
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    _write(config, address, {"route": {"cluster": "upstream"}}, clusters=[cluster])


def write_ours(config: Path, port: int, upstream: Path, authz: Path, sockets: Path) -> None:
    """Configure the product's own Envoy, as rendered for one machine, before that upstream."""
    config.write_text(
        render_local(
            public=TcpAddress("127.0.0.1", port),
            authz=(UnixSocket(str(authz)),),
            adapter=UnixSocket(str(upstream)),
            usage=UnixSocket(str(sockets / "report.sock")),
            admin=UnixSocket(str(sockets / "admin.sock")),
            observability=UnixSocket(str(sockets / "observability.sock")),
            failures="/dev/null",
            access_log="/dev/null",
        )
    )


def _write(
    config: Path, address: dict[str, Any], route: dict[str, Any], clusters: list[dict[str, Any]]
) -> None:
    host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **route}]}
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [{"name": "router", "typed_config": {"@type": _ROUTER}}],
    }
    filters = [{"name": "http", "typed_config": manager}]
    listener = {"name": "bench", "address": address, "filter_chains": [{"filters": filters}]}
    static = {"listeners": [listener], "clusters": clusters}
    config.write_bytes(orjson.dumps({"static_resources": static}))
