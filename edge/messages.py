"""Envoy's messages, shortened: packing extensions, addresses, durations, headers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

import betterproto2
from envoy_data_plane.envoy.config.core.v3 import (
    Address as AddressMessage,
)
from envoy_data_plane.envoy.config.core.v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    Pipe,
    SocketAddress,
    TypedExtensionConfig,
)
from envoy_data_plane.google.protobuf import Any

from edge.deployment import Address, TcpAddress, UnixSocket


def pack(message: betterproto2.Message) -> Any:
    """Wrap an extension's own configuration."""
    return Any.pack(message)


def extension(name: str, message: betterproto2.Message) -> TypedExtensionConfig:
    """Name an extension and its configuration."""
    return TypedExtensionConfig(name=name, typed_config=pack(message))


def seconds(count: float) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=count)


def address(where: Address, *, mode: int = 0) -> AddressMessage:
    """Return an address to bind or to connect to; `mode` is a bound socket file's."""
    match where:
        case UnixSocket(path):
            return AddressMessage(pipe=Pipe(path=path, mode=mode))
        case TcpAddress(host, port):
            return AddressMessage(socket_address=SocketAddress(address=host, port_value=port))
        case _:
            assert_never(where)


def set_header(name: str, value: str) -> HeaderValueOption:
    """Set a header to one value, whatever was there; `value` may hold `%COMMANDS%`."""
    return HeaderValueOption(
        header=HeaderValue(key=name, value=value),
        append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )


def set_headers(headers: Mapping[str, str]) -> list[HeaderValueOption]:
    """Set each of these headers to one value."""
    return [set_header(name, value) for name, value in headers.items()]
