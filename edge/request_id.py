"""Our request id, `req_` + 32 hex: random, on every response, upstream and to authz.

Envoy's own generator writes dashes. So the id grows here from the first eight characters, random
all, of four UUIDs: each step keeps what is there so far and appends a new UUID, whose rest the next
step cuts off. Header mutations run one after the other, each on what the last one left.
"""

from typing import Final

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutation
from envoy_data_plane.envoy.config.core.v3 import HeaderValueOption
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutation as HeaderMutationFilter,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import Mutations
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter

from contract.headers import REQUEST_ID
from edge.messages import pack, set_header

FILTER: Final = "tessera.request_id"

_PREFIX: Final = "req_"
_RANDOM_CHARACTERS: Final = 8
_UUIDS: Final = 4


def generation(source: str) -> list[HeaderMutation]:
    """Return the steps that put a new id into the header; `source` is `REQ` or `RESP`."""
    values = [f"{_PREFIX}%UNIQUE_ID%"]
    length = len(_PREFIX)
    for _ in range(_UUIDS - 1):
        length += _RANDOM_CHARACTERS
        values.append(f"%{source}({REQUEST_ID}):{length}%%UNIQUE_ID%")
    values.append(f"%{source}({REQUEST_ID}):{length + _RANDOM_CHARACTERS}%")
    return [HeaderMutation(append=set_header(REQUEST_ID, value)) for value in values]


def copied_to_response() -> HeaderValueOption:
    """Give the response the request's id; for the routes whose requests others see too."""
    return set_header(REQUEST_ID, f"%REQ({REQUEST_ID})%")


def request_id_filter() -> HttpFilter:
    """Give every answer that is Envoy's own an id of its own; off on routes to the adapter.

    Bad HTTP, too many headers or an overload is answered before the request has got its id, and
    then the request's header, if there is one, is the client's.
    """
    # The health check's answer names our node.
    hidden = HeaderMutation(remove="x-envoy-upstream-healthchecked-cluster")
    mutations = Mutations(response_mutations=[hidden, *generation("RESP")])
    return HttpFilter(name=FILTER, typed_config=pack(HeaderMutationFilter(mutations=mutations)))
