"""What a method and a path ask for, and which endpoint that belongs to."""

from enum import Enum, auto
from typing import Final, assert_never

from authz.domain.directory import Endpoint

_EMBEDDINGS_PATH: Final = "/v1/embeddings"
_COUNT_PATH: Final = "/v1/embeddings/count"
_MODELS_PATH: Final = "/v1/models"
_USAGE_PATH: Final = "/v1/organization/usage/embeddings"


class Call(Enum):
    """What is asked for; whoever may call an endpoint may ask for all that belongs to it."""

    EMBED = auto()
    COUNT = auto()
    LIST_MODELS = auto()
    REPORT_USAGE = auto()

    @property
    def endpoint(self) -> Endpoint:
        """What a tier and a key must cover."""
        match self:
            case Call.EMBED | Call.COUNT:
                return Endpoint.EMBEDDINGS
            case Call.LIST_MODELS:
                return Endpoint.MODELS
            case Call.REPORT_USAGE:
                return Endpoint.USAGE
            case _:
                assert_never(self)


def find_call(method: str, path: str) -> Call | None:
    """Return what is asked for, or nothing for what is not served.

    `path` is compared as text and never parsed as a URI, in which `//v1/x` would name a host.
    """
    bare = path.partition("?")[0]
    match method:
        case "POST" if bare == _EMBEDDINGS_PATH:
            return Call.EMBED
        case "POST" if bare == _COUNT_PATH:
            return Call.COUNT
        case "GET" if bare == _MODELS_PATH or bare.startswith(_MODELS_PATH + "/"):
            return Call.LIST_MODELS
        case "GET" if bare == _USAGE_PATH:
            return Call.REPORT_USAGE
        case _:
            return None
