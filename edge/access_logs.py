"""What is written down about a request: a line for people, one of a failure, an entry for authz."""

from typing import Final

from envoy_data_plane.envoy.config.accesslog.v3 import (
    AccessLog,
    AccessLogFilter,
    NotHealthCheckFilter,
)
from envoy_data_plane.envoy.config.core.v3 import (
    ApiVersion,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    SubstitutionFormatString,
)
from envoy_data_plane.envoy.extensions.access_loggers.file.v3 import FileAccessLog
from envoy_data_plane.envoy.extensions.access_loggers.grpc.v3 import (
    CommonGrpcAccessLogConfig,
    HttpGrpcAccessLogConfig,
)
from envoy_data_plane.google.protobuf import Struct

from contract.headers import ACCOUNT, KEY, MINUTE, REQUEST_ID, TOKENS
from edge import clusters
from edge.conditions import cel
from edge.messages import pack, seconds

_FIELDS: Final = {
    "event": "request.answered",
    "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    # From the response: there it is always ours, in a malformed request it may be the client's.
    "request_id": f"%RESP({REQUEST_ID})%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "protocol": "%PROTOCOL%",
    "route": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "request_bytes": "%BYTES_RECEIVED%",
    "response_bytes": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "upstream_ms": "%RESPONSE_DURATION%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user_agent": "%REQ(USER-AGENT):200%",
    "retry_count": "%REQ(X-STAINLESS-RETRY-COUNT):4%",
}
"""Nothing here can hold a key: no authorization header, no query, no body."""

_REACHED_AUTHZ: Final = f"xds.cluster_name == '{clusters.ADAPTER}'"
"""Before a route is found, `x-tessera-*` headers are the client's, and authz must not see them."""

_BUFFER_BYTES: Final = 2**20
"""Envoy's default of 16 KiB drops entries under load."""


_FAILED: Final = (
    f"{_REACHED_AUTHZ} && (response.code != 200 || response.flags != 0)"
    " && response.code_details != 'ext_authz_denied'"
)
"""What authz may have charged for and the client did not get; of what it refused it knows."""

_FAILURE_FIELDS: Final = {
    "request_id": f"%REQ({REQUEST_ID})%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "sent_bytes": "%UPSTREAM_WIRE_BYTES_SENT%",
}
"""`authz.storage.failures_file` reads these: whether anything was sent to the adapter tells whether
it may have done the work."""


def access_logs(path: str, failures: str) -> list[AccessLog]:
    """Return all logs; `path` is the file for people, `failures` the one for refunds."""
    return [_json_lines(path), _failures(failures), _to_authz()]


def _json_lines(path: str) -> AccessLog:
    line = SubstitutionFormatString(json_format=Struct.from_dict(_FIELDS), omit_empty_values=True)
    return AccessLog(
        name="envoy.access_loggers.file",
        filter=AccessLogFilter(not_health_check_filter=NotHealthCheckFilter()),
        typed_config=pack(FileAccessLog(path=path, log_format=line)),
    )


def _failures(path: str) -> AccessLog:
    """Name what is to be refunded, in a file: it needs nobody to listen when it is written."""
    line = SubstitutionFormatString(json_format=Struct.from_dict(_FAILURE_FIELDS))
    return AccessLog(
        name="envoy.access_loggers.file",
        filter=cel(_FAILED),
        typed_config=pack(FileAccessLog(path=path, log_format=line)),
    )


def _to_authz() -> AccessLog:
    """Tell authz how what it allowed has ended, for its metrics; at most once."""
    common = CommonGrpcAccessLogConfig(
        log_name="tessera",
        transport_api_version=ApiVersion.V3,
        grpc_service=GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=clusters.ACCESS_LOG)),
        buffer_size_bytes=_BUFFER_BYTES,
        buffer_flush_interval=seconds(1),
    )
    config = HttpGrpcAccessLogConfig(
        common_config=common,
        additional_request_headers_to_log=[ACCOUNT, KEY, TOKENS, MINUTE, "x-stainless-retry-count"],
    )
    return AccessLog(
        name="envoy.access_loggers.http_grpc",
        filter=cel(_REACHED_AUTHZ),
        typed_config=pack(config),
    )
