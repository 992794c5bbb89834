"""What routes match on."""

from dataclasses import replace
from typing import Final

from envoy_data_plane.envoy.config.route.v3 import HeaderMatcher, RouteMatch
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher
from envoy_data_plane.envoy.type.v3 import Int64Range

from contract import keys

_BEARER: Final = "(?i:bearer) "
_INT64_MAX: Final = 2**63 - 1

EMBEDDINGS: Final = RouteMatch(path="/v1/embeddings")
COUNT: Final = RouteMatch(path="/v1/embeddings/count")
MODELS: Final = RouteMatch(
    safe_regex=RegexMatcher(regex="/v1/models(/[0-9A-Za-z][0-9A-Za-z._:@+-]*)*")
)
"""The list, or one model, whose id may hold slashes; an escaped slash is unescaped by then."""

USAGE: Final = RouteMatch(path="/v1/organization/usage/embeddings")

API: Final = RouteMatch(prefix="/v1/")
ANYTHING: Final = RouteMatch(prefix="/")


def where(match: RouteMatch, *headers: HeaderMatcher) -> RouteMatch:
    """Narrow a match to requests with these headers."""
    return replace(match, headers=[*match.headers, *headers])


def method(name: str) -> HeaderMatcher:
    """Match one method."""
    return HeaderMatcher(name=":method", string_match=StringMatcher(exact=name))


def content_length(start: int, end: int = _INT64_MAX) -> HeaderMatcher:
    """Match a declared length in [start, end); a chunked body declares none."""
    return HeaderMatcher(name="content-length", range_match=Int64Range(start=start, end=end))


def no_bearer() -> HeaderMatcher:
    """Match where no key of any form was sent."""
    return _authorization(f"{_BEARER}.+", invert=True)


def well_formed_key() -> HeaderMatcher:
    """Match where what was sent can be a key."""
    return _authorization(_BEARER + keys.PATTERN)


def malformed_key() -> HeaderMatcher:
    """Match where what was sent cannot be a key."""
    return _authorization(_BEARER + keys.PATTERN, invert=True)


def _authorization(regex: str, *, invert: bool = False) -> HeaderMatcher:
    """Match the whole header; two of them are one text with a comma, which no key holds."""
    return HeaderMatcher(
        name="authorization",
        string_match=StringMatcher(safe_regex=RegexMatcher(regex=regex)),
        invert_match=invert,
        treat_missing_header_as_empty=True,
    )
