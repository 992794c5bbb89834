"""The exact limit of a body's length, counted while it arrives.

ext_authz alone is not exact: the last piece of a body may cross its limit unnoticed, and then authz
would judge a part of what the adapter gets.
"""

from dataclasses import dataclass
from typing import Final

import betterproto2
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.google.protobuf import UInt64Value
from envoy_data_plane.message_pool import default_message_pool

from edge.messages import pack

FILTER: Final = "envoy.filters.http.body_size_limit"


@dataclass(eq=False, repr=False)
class BodySizeLimit(betterproto2.Message):
    """Envoy's message of this name, which is newer than `envoy-data-plane`'s last release."""

    max_request_bytes: int | None = betterproto2.field(
        1, betterproto2.TYPE_MESSAGE, unwrap=lambda: UInt64Value, optional=True
    )


default_message_pool.register_message(
    "envoy.extensions.filters.http.body_size_limit.v3", "BodySizeLimit", BodySizeLimit
)


def body_limit_filter(bytes_max: int) -> HttpFilter:
    """Answer 413 at the first byte above the limit."""
    return HttpFilter(name=FILTER, typed_config=pack(BodySizeLimit(max_request_bytes=bytes_max)))
