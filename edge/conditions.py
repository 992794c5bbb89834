"""Conditions on a finished request, for access logs and local replies."""

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLogFilter, ExtensionFilter
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter

from edge.messages import pack


def cel(expression: str) -> AccessLogFilter:
    """Match where a CEL expression over Envoy's attributes holds."""
    return AccessLogFilter(
        extension_filter=ExtensionFilter(
            name="envoy.access_loggers.extension_filters.cel",
            typed_config=pack(ExpressionFilter(expression=expression)),
        )
    )
