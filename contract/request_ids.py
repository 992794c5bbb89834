"""The id that Envoy gives every request, and tells the client in `x-request-id`."""

import re
from typing import Final

_PATTERN: Final = re.compile(r"req_[0-9a-f]{32}", re.ASCII)


def is_request_id(text: str) -> bool:
    """Tell whether a text is such an id."""
    return _PATTERN.fullmatch(text) is not None
