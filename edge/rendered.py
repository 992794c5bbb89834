"""The files under `envoy/`: what a platform engineer reads, and what Kubernetes mounts."""

from typing import Final

from edge.bootstrap import render_kubernetes, render_local
from edge.deployment import TcpAddress, TlsSecret, UnixSocket
from edge.tls import secret_resource
from edge.yaml import to_yaml

_HEADER: Final = "# Rendered by `make envoy` from edge/; change it there.\n"
_RUN: Final = ".tessera/run"
_TLS_MOUNT: Final = "/etc/tessera/tls"
_TLS_SDS_FILE: Final = "/etc/envoy/tls-secret.yaml"


def rendered_files() -> dict[str, str]:
    """Return every file's text by its name."""
    texts = {
        "local.yaml": render_local(
            public=TcpAddress("127.0.0.1", 8080),
            authz=(UnixSocket(f"{_RUN}/authz-0.sock"), UnixSocket(f"{_RUN}/authz-1.sock")),
            adapter=UnixSocket(f"{_RUN}/adapter.sock"),
            usage=UnixSocket(f"{_RUN}/report.sock"),
            admin=UnixSocket(f"{_RUN}/envoy-admin.sock"),
            observability=UnixSocket(f"{_RUN}/envoy-observability.sock"),
            failures=".tessera/failures.jsonl",
        ),
        "kubernetes.yaml": render_kubernetes(),
        "kubernetes-tls.yaml": render_kubernetes(
            tls=TlsSecret(sds_file=_TLS_SDS_FILE, watched_directory=_TLS_MOUNT)
        ),
        "tls-secret.yaml": to_yaml(
            secret_resource(f"{_TLS_MOUNT}/tls.crt", f"{_TLS_MOUNT}/tls.key", _TLS_MOUNT)
        ),
    }
    return {name: _HEADER + text for name, text in texts.items()}
