"""From an entry of Envoy's access log to what it adds to the counts of a minute."""

from collections.abc import Set
from typing import Final

from authz.domain.traffic import Traffic, observe
from authz.domain.usage.failure import Failure
from contract import headers
from proto.tessera.envoy.v1.access_log_pb2 import AccessLogCommon, HttpAccessLogEntry

_OK: Final = 200
_DIGITS_MAX: Final = 15
_SHORT_NAMES: Final = {
    "downstream_connection_termination": "DC",
    "downstream_protocol_error": "DPE",
    "downstream_remote_reset": "DR",
    "stream_idle_timeout": "SI",
    "upstream_request_timeout": "UT",
}
"""Those that tell who was at fault, as Envoy's files name them."""


def read_traffic(entry: HttpAccessLogEntry) -> tuple[int, Traffic] | None:
    """Return the minute in which a request was charged, and what it adds; nothing if it was not."""
    told = entry.request.request_headers
    minute = _number(told.get(headers.MINUTE, ""))
    charged = _number(told.get(headers.TOKENS, ""))
    if minute is None or charged is None:
        return None
    return minute, observe(charged, _served(entry.common_properties), _failure(entry))


def _failure(entry: HttpAccessLogEntry) -> Failure | None:
    status = entry.response.response_code.value
    flags = _flags(entry.common_properties)
    if status == _OK and not flags:
        return None
    was_sent = entry.common_properties.upstream_wire_bytes_sent > 0
    return Failure(entry.request.request_id, status, flags, was_sent)


def _flags(common: AccessLogCommon) -> Set[str]:
    fields = (field.name for field, _ in common.response_flags.ListFields())
    return frozenset(_SHORT_NAMES.get(name, name) for name in fields)


def _served(common: AccessLogCommon) -> int | None:
    metadata = common.metadata.filter_metadata
    if headers.METADATA not in metadata:  # asked for, it would be made
        return None
    fields = metadata[headers.METADATA].fields
    if headers.SERVED_TOKENS not in fields:
        return None
    return _number(fields[headers.SERVED_TOKENS].string_value)


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    return int(text) if is_number else None
