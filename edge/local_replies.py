"""Envoy's own failures, told in the bodies of the one error catalogue.

A refusal from authz and a route's direct response are local replies too. They carry their body
already, so the first mapper lets them pass; among the others the first whose filter matches writes
the body.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from envoy_data_plane.envoy.config.accesslog.v3 import (
    AccessLogFilter,
    AndFilter,
    ComparisonFilter,
    ComparisonFilterOp,
    ResponseFlagFilter,
    RuntimeFilter,
    StatusCodeFilter,
)
from envoy_data_plane.envoy.config.core.v3 import (
    DataSource,
    RuntimeUInt32,
    SubstitutionFormatString,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    LocalReplyConfig,
    ResponseMapper,
)
from envoy_data_plane.envoy.type.v3 import FractionalPercent, FractionalPercentDenominatorType

from contract import errors
from contract.errors import ApiError
from edge.conditions import cel
from edge.messages import set_headers

_HAS_ITS_BODY: Final = "response.code_details in ['ext_authz_denied', 'direct_response']"
_OVERLOADED_FLAGS: Final = ("UO", "OM")
"""A circuit breaker is open; the overload manager refuses."""

_RETRY_AFTER: Final = tuple(timedelta(milliseconds=each) for each in (500, 800, 1100, 1400))
"""Drawn evenly, so that the clients of one failure do not all come back at once."""


def local_reply_configuration(body_bytes_max: int) -> LocalReplyConfig:
    """Return the mappers, the most specific first; the last two take any other failure."""
    overloaded = ResponseFlagFilter(flags=list(_OVERLOADED_FLAGS))
    return LocalReplyConfig(
        mappers=[
            ResponseMapper(filter=cel(_HAS_ITS_BODY)),
            _mapper(_status(404), errors.unknown_url()),
            _mapper(_status(408), errors.request_timeout()),
            _mapper(_status(413), errors.body_too_large(body_bytes_max)),
            _mapper(_status(431), errors.headers_too_large()),
            # A transfer coding that Envoy does not know: the client's mistake, as others are.
            _mapper(_status(501), errors.bad_request()),
            _mapper(_status(504), errors.upstream_timeout()),
            *_spread(
                AccessLogFilter(response_flag_filter=overloaded),
                [errors.overloaded(wait) for wait in _RETRY_AFTER],
            ),
            *_spread(_status(503), [errors.unavailable(wait) for wait in _RETRY_AFTER]),
            _mapper(_status(500, ComparisonFilterOp.GE), errors.internal()),
            # Bad HTTP, upgrades, HTTP/1.0: one status for all of Envoy's.
            _mapper(_status(400, ComparisonFilterOp.GE), errors.bad_request()),
        ]
    )


def _spread(condition: AccessLogFilter, choices: list[ApiError]) -> Iterator[ResponseMapper]:
    """Choose one of the errors at random: each mapper takes its share of what is left."""
    for left in range(len(choices), 0, -1):
        chance = RuntimeFilter(
            runtime_key="tessera.retry_after_spread",
            percent_sampled=FractionalPercent(
                numerator=1_000_000 // left,
                denominator=FractionalPercentDenominatorType.MILLION,
            ),
            use_independent_randomness=True,
        )
        both = AndFilter(filters=[condition, AccessLogFilter(runtime_filter=chance)])
        yield _mapper(AccessLogFilter(and_filter=both), choices[-left])


def _mapper(condition: AccessLogFilter, error: ApiError) -> ResponseMapper:
    headers = error.headers()
    return ResponseMapper(
        filter=condition,
        status_code=error.status,
        body=DataSource(inline_string=error.body().decode()),
        body_format_override=SubstitutionFormatString(
            text_format_source=DataSource(inline_string="%LOCAL_REPLY_BODY%"),
            content_type=headers.pop("content-type"),
        ),
        headers_to_add=set_headers(headers),
    )


def _status(code: int, comparison: ComparisonFilterOp = ComparisonFilterOp.EQ) -> AccessLogFilter:
    value = RuntimeUInt32(default_value=code, runtime_key="tessera.local_reply_status")
    return AccessLogFilter(
        status_code_filter=StatusCodeFilter(comparison=ComparisonFilter(op=comparison, value=value))
    )
