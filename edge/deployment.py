"""What differs between one machine and Kubernetes: addresses, limits and timeouts."""

from dataclasses import dataclass, field
from typing import Final

from contract.limits import BODY_BYTES_MAX

_SOCKET_PATH_BYTES_MAX: Final = 107
"""The kernel's `sun_path` holds 108 bytes, the last of them NUL."""


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A socket file.

    Raises:
        ValueError: the kernel cannot bind so long a path.
    """

    path: str

    def __post_init__(self) -> None:
        if len(self.path.encode()) > _SOCKET_PATH_BYTES_MAX:
            raise ValueError(
                f"the socket path is longer than {_SOCKET_PATH_BYTES_MAX} bytes: {self.path}"
            )


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host, by address or DNS name, and a port."""

    host: str
    port: int


Address = UnixSocket | TcpAddress


@dataclass(frozen=True, slots=True)
class TlsSecret:
    """A certificate that Envoy reads again when it is rotated.

    `sds_file` names the certificate and key (see `edge.tls.render_secret`); `watched_directory`
    is the mount whose symlink is swapped on rotation.
    """

    sds_file: str
    watched_directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each thing may take; tests shorten them.

    `decision` bounds authz on a small body. `counting` bounds it on a large one: 300,000 tokens
    take it up to a second of CPU, and a few such bodies may queue for the same cores, so one
    second for all would refuse requests that are good.
    """

    request_headers_seconds: float = 10
    request_seconds: float = 60
    upstream_seconds: float = 60
    connection_idle_seconds: float = 620  # above the 600 s that cloud load balancers keep theirs
    decision_seconds: float = 1
    counting_seconds: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much Envoy holds before it sheds load.

    `refused_body_bytes_max` is how much of a body is read before a refusal is sent; see
    `edge.refusals`.
    """

    body_bytes_max: int = BODY_BYTES_MAX
    refused_body_bytes_max: int = 2 * BODY_BYTES_MAX
    connections_max: int = 10_000
    heap_bytes_max: int = 2**30
    requests_max: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One Envoy and everything it talks to.

    `authz` are the sockets of equal processes. An adapter at a `TcpAddress` is a DNS name with
    one address per replica. `usage` believes us which account calls, so nobody else may reach it.
    `observability` answers `/ready` and `/stats/prometheus` alone.
    `failures` is the file that names what authz let pass and that failed, for authz to read.
    `trusted_hops` counts the proxies in front whose `x-forwarded-for` is believed.
    """

    public: Address
    authz: tuple[UnixSocket, ...]
    adapter: Address
    usage: UnixSocket
    admin: Address
    observability: Address
    failures: str
    access_log: str = "/dev/stdout"
    tls: TlsSecret | None = None
    collector: TcpAddress | None = None
    trusted_hops: int = 0
    timeouts: Timeouts = field(default_factory=Timeouts)
    capacity: Capacity = field(default_factory=Capacity)
