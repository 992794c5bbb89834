"""`/healthz` on the public port: 200, and 503 from the moment that draining has begun."""

from typing import Final

from envoy_data_plane.envoy.config.route.v3 import HeaderMatcher
from envoy_data_plane.envoy.extensions.filters.http.health_check.v3 import HealthCheck
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from edge.messages import pack

FILTER: Final = "envoy.filters.http.health_check"


def health_filter() -> HttpFilter:
    """Return the filter that answers; what goes to the adapter never passes it."""
    is_probe = HeaderMatcher(name=":path", string_match=StringMatcher(exact="/healthz"))
    config = HealthCheck(pass_through_mode=False, headers=[is_probe])
    return HttpFilter(name=FILTER, typed_config=pack(config))
