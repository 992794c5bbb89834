"""Keeps what the adapter says it served out of the client's sight, and in the access log's."""

from envoy_data_plane.envoy.extensions.filters.http.header_to_metadata.v3 import (
    Config,
    ConfigKeyValuePair,
    ConfigRule,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter

from contract.headers import METADATA, SERVED_TOKENS
from edge.messages import pack


def served_tokens_filter() -> HttpFilter:
    """Move the header into the request's metadata, which the entry for authz holds whole.

    A header that is removed from a response is removed before the access log reads it.
    """
    kept = ConfigKeyValuePair(metadata_namespace=METADATA, key=SERVED_TOKENS)
    rule = ConfigRule(header=SERVED_TOKENS, on_header_present=kept, remove=True)
    return HttpFilter(
        name="envoy.filters.http.header_to_metadata",
        typed_config=pack(Config(response_rules=[rule])),
    )
