"""Tells authz from where a request comes, as far as the proxies in front can be believed."""

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutation
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutation as HeaderMutationFilter,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import Mutations
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter

from contract.headers import CLIENT_ADDRESS
from edge.messages import pack, set_header

_ADDRESS = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"


def client_address_filter() -> HttpFilter:
    """Set the header that only we can set: a client's own was dropped when its headers arrived.

    What drops it comes too early to set it: `x-forwarded-for` has not been read then, and every
    client would have the address of the proxy in front.
    """
    mutation = HeaderMutation(append=set_header(CLIENT_ADDRESS, _ADDRESS))
    config = HeaderMutationFilter(mutations=Mutations(request_mutations=[mutation]))
    return HttpFilter(name="tessera.client_address", typed_config=pack(config))
