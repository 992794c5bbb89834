"""Answers that Envoy gives by itself, from the error catalogue.

A client that is still sending when it is answered loses the answer: Envoy stops reading and closes,
and the reset overtakes what it wrote. So a body of ordinary size is read to its end first.
"""

from dataclasses import replace
from typing import Final

from envoy_data_plane.envoy.config.core.v3 import DataSource
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    FilterConfig,
    Route,
    RouteMatch,
)
from envoy_data_plane.envoy.extensions.filters.http.buffer.v3 import Buffer, BufferPerRoute
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter

from contract import errors
from contract.errors import ApiError
from edge import authorization, body_limit
from edge.messages import pack, set_header, set_headers

FILTER: Final = "envoy.filters.http.buffer"
_OFF: Final = FilterConfig(disabled=True)


def body_reading_filter(bytes_max: int) -> HttpFilter:
    """Return the filter that reads a body to its end; off except where a route turns it on."""
    config = Buffer(max_request_bytes=bytes_max)
    return HttpFilter(name=FILTER, typed_config=pack(config), disabled=True)


def refusal(name: str, match: RouteMatch, error: ApiError, read_bytes_max: int) -> Route:
    """Answer with this error, once up to `read_bytes_max` of a body have been read."""
    route = refusal_at_once(name, match, error)
    reading = pack(BufferPerRoute(buffer=Buffer(max_request_bytes=read_bytes_max)))
    filters = {**route.typed_per_filter_config, FILTER: reading, body_limit.FILTER: pack(_OFF)}
    return replace(route, typed_per_filter_config=filters)


def refusal_at_once(name: str, match: RouteMatch, error: ApiError) -> Route:
    """Answer with this error and read no further; authz is not asked."""
    return Route(
        name=name,
        match=match,
        direct_response=DirectResponseAction(
            status=error.status, body=DataSource(inline_string=error.body().decode())
        ),
        response_headers_to_add=set_headers(error.headers()),
        typed_per_filter_config={authorization.FILTER: pack(_OFF)},
    )


def wrong_method(name: str, match: RouteMatch, allowed: str, read_bytes_max: int) -> Route:
    """Answer 405, and name the method that is allowed."""
    route = refusal(name, match, errors.method_not_allowed(allowed), read_bytes_max)
    headers = [*route.response_headers_to_add, set_header("allow", allowed)]
    return replace(route, response_headers_to_add=headers)
