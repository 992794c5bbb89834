"""The public listener: HTTP from strangers, hardened."""

from typing import Final

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import (
    HeaderMutation,
    HeaderMutationRemoveOnMatch,
)
from envoy_data_plane.envoy.config.core.v3 import (
    CidrRange,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpProtocolOptions,
    HttpProtocolOptionsHeadersWithUnderscoresAction,
    TypedExtensionConfig,
)
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpConnectionManagerInternalAddressConfig,
    HttpConnectionManagerPathWithEscapedSlashesAction,
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    HeaderMutation as EarlyHeaderMutation,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from contract.headers import INTERNAL_PREFIX
from edge import health, messages, request_id
from edge.access_logs import access_logs
from edge.authorization import authorization_filter
from edge.body_limit import body_limit_filter
from edge.client_address import client_address_filter
from edge.deployment import Deployment, Timeouts
from edge.local_replies import local_reply_configuration
from edge.messages import extension, pack, seconds
from edge.refusals import body_reading_filter
from edge.routes import route_configuration
from edge.served_tokens import served_tokens_filter
from edge.tls import downstream_tls
from edge.tracing import tracing, untouched_request_id

_HEADERS_KIB_MAX: Final = 32
_HEADERS_MAX: Final = 100
_STREAMS_MAX: Final = 100
_STREAM_WINDOW_BYTES: Final = 64 * 1024
_CONNECTION_WINDOW_BYTES: Final = 2**20
_BUFFER_BYTES: Final = 64 * 1024


def public_listener(deployment: Deployment) -> Listener:
    """Return the one listener that strangers reach."""
    chain = FilterChain(
        filters=[
            Filter(
                name="envoy.filters.network.http_connection_manager",
                typed_config=pack(_connection_manager(deployment)),
            )
        ]
    )
    if deployment.tls is not None:
        chain.transport_socket = downstream_tls(deployment.tls)
    return Listener(
        name="public",
        address=messages.address(deployment.public),
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=_BUFFER_BYTES,
    )


def _connection_manager(deployment: Deployment) -> HttpConnectionManager:
    timeouts = deployment.timeouts
    manager = HttpConnectionManager(
        stat_prefix="public",
        route_config=route_configuration(deployment),
        http_filters=_filters(deployment),
        local_reply_config=local_reply_configuration(deployment.capacity.body_bytes_max),
        access_log=access_logs(deployment.access_log, deployment.failures),
        early_header_mutation_extensions=[_header_hygiene()],
        generate_request_id=False,  # ours has another form, and is made by the header mutation
        server_name="tessera",
        request_headers_timeout=seconds(timeouts.request_headers_seconds),
        request_timeout=seconds(timeouts.request_seconds),
        # Waiting for the upstream counts as idle too, and its own timeout should come first.
        stream_idle_timeout=seconds(timeouts.upstream_seconds + 5),
        request_id_extension=untouched_request_id(),
        tracing=None if deployment.collector is None else tracing(),
    )
    _trust_no_client(manager, deployment.trusted_hops)
    _bound_protocols(manager, timeouts)
    return manager


def _filters(deployment: Deployment) -> list[HttpFilter]:
    return [
        request_id.request_id_filter(),
        health.health_filter(),
        body_reading_filter(deployment.capacity.refused_body_bytes_max),
        body_limit_filter(deployment.capacity.body_bytes_max),
        client_address_filter(),
        served_tokens_filter(),
        authorization_filter(deployment),
        HttpFilter(
            name="envoy.filters.http.router",
            typed_config=pack(Router(suppress_envoy_headers=True)),
        ),
    ]


def _header_hygiene() -> TypedExtensionConfig:
    """Drop what only we may say, then give the request its id; all before a route is chosen."""
    internal = HeaderMutationRemoveOnMatch(key_matcher=StringMatcher(prefix=INTERNAL_PREFIX))
    mutations = [
        HeaderMutation(remove_on_match=internal),
        HeaderMutation(remove="expect"),  # Envoy has answered a 100-continue by now
        *request_id.generation("REQ"),
    ]
    return extension(
        "envoy.http.early_header_mutation.header_mutation", EarlyHeaderMutation(mutations=mutations)
    )


def _trust_no_client(manager: HttpConnectionManager, trusted_hops: int) -> None:
    manager.use_remote_address = True
    manager.xff_num_trusted_hops = trusted_hops
    # No client is internal, so none's `x-envoy-*` headers are obeyed. An empty list would mean all
    # private networks; nobody calls from this address.
    manager.internal_address_config = HttpConnectionManagerInternalAddressConfig(
        cidr_ranges=[CidrRange(address_prefix="0.0.0.0", prefix_len=32)]  # noqa: S104 not bound
    )
    manager.normalize_path = True
    manager.merge_slashes = True
    # SDKs escape the slash of a model's id. Unescaping comes before dot segments are resolved and
    # before a route is chosen, and no route lets a `%` pass: all parts see one spelling of a path.
    manager.path_with_escaped_slashes_action = (
        HttpConnectionManagerPathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD
    )


def _bound_protocols(manager: HttpConnectionManager, timeouts: Timeouts) -> None:
    manager.max_request_headers_kb = _HEADERS_KIB_MAX
    manager.common_http_protocol_options = HttpProtocolOptions(
        idle_timeout=seconds(timeouts.connection_idle_seconds),
        max_headers_count=_HEADERS_MAX,
        headers_with_underscores_action=HttpProtocolOptionsHeadersWithUnderscoresAction.REJECT_REQUEST,
    )
    manager.http_protocol_options = Http1ProtocolOptions()
    manager.http2_protocol_options = Http2ProtocolOptions(
        max_concurrent_streams=_STREAMS_MAX,
        initial_stream_window_size=_STREAM_WINDOW_BYTES,
        initial_connection_window_size=_CONNECTION_WINDOW_BYTES,
        # One bad request of many on a connection must not end the others.
        override_stream_error_on_invalid_http_message=True,
    )
