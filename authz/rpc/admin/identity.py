"""Who calls: a client certificate's identity over TCP, the owner on the Unix socket."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import grpc
from cryptography.x509 import (
    ExtensionNotFound,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    load_pem_x509_certificate,
)

from authz.domain.administration.actor import Actor, Role

AdminContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

LOCAL_NAME: Final = "local"
_UNIX: Final = "unix:"
_CERTIFICATE: Final = "x509_pem_cert"
_PREFIX: Final = "spiffe://tessera/"
_IDENTITY: Final = re.compile(
    r"spiffe://tessera/admin/(?P<role>[a-z-]+)/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})"
)


class NotIdentifiedError(Exception):
    """The client certificate does not say who calls."""


def identify(context: AdminContext) -> Actor:
    """Return who makes a call. Raises `NotIdentifiedError`."""
    peer, properties = context.peer(), context.auth_context()
    # Who shows a certificate is who it says, wherever they come in.
    if peer.startswith(_UNIX) and _CERTIFICATE not in properties:
        # Who may enter the socket's folder owns the service.
        return Actor(LOCAL_NAME, Role.OWNER, "unix")
    return read_actor(_read_uris(properties), _address(peer))


def read_actor(uris: Sequence[str], address: str) -> Actor:
    """Return who the URIs of a certificate are. Raises `NotIdentifiedError`."""
    ours = [uri for uri in uris if uri.startswith(_PREFIX)]
    if len(ours) != 1:
        raise NotIdentifiedError(
            "The client certificate must hold exactly one URI"
            f" {_PREFIX}admin/ROLE/NAME as subject alternative name; it holds {len(ours)}."
        )
    match = _IDENTITY.fullmatch(ours[0])
    if match is None:
        raise NotIdentifiedError(
            f"The client certificate's URI is not of the form {_PREFIX}admin/ROLE/NAME."
        )
    try:
        role = Role(match["role"])
    except ValueError:
        known = ", ".join(Role)
        raise NotIdentifiedError(
            f"The client certificate names a role that there is not; there are: {known}."
        ) from None
    if match["name"] == LOCAL_NAME:
        raise NotIdentifiedError(
            f"The client certificate names {LOCAL_NAME}, which is whoever calls on the Unix socket."
        )
    return Actor(match["name"], role, address)


def _read_uris(properties: Mapping[str, Iterable[bytes]]) -> Sequence[str]:
    """Read the certificate itself: what gRPC tells of its URIs ends where one holds a NUL."""
    try:
        (pem,) = properties[_CERTIFICATE]
        extensions = load_pem_x509_certificate(pem).extensions
        names = extensions.get_extension_for_class(SubjectAlternativeName).value
        return names.get_values_for_type(UniformResourceIdentifier)
    except ExtensionNotFound:
        return ()
    except (KeyError, ValueError):
        raise NotIdentifiedError("The client certificate cannot be read.") from None


def _address(peer: str) -> str:
    """Return `127.0.0.1` of `ipv4:127.0.0.1:4711`, `::1` of `ipv6:%5B::1%5D:4711`."""
    _, _, place = unquote(peer).partition(":")
    return place.rpartition(":")[0].strip("[]")
