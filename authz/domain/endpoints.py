"""Which endpoint a method and a path mean."""

from typing import Final

from authz.domain.directory import Endpoint

_EMBEDDINGS_PATH: Final = "/v1/embeddings"
_MODELS_PATH: Final = "/v1/models"
_USAGE_PATH: Final = "/v1/organization/usage/embeddings"


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Return the endpoint, or nothing for what is not served.

    `path` is compared as text and never parsed as a URI, in which `//v1/x` would name a host.
    """
    bare = path.partition("?")[0]
    match method:
        case "POST" if bare == _EMBEDDINGS_PATH:
            return Endpoint.EMBEDDINGS
        case "GET" if bare == _MODELS_PATH or bare.startswith(_MODELS_PATH + "/"):
            return Endpoint.MODELS
        case "GET" if bare == _USAGE_PATH:
            return Endpoint.USAGE
        case _:
            return None
