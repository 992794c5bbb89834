"""Who a caller is, from what gRPC knows of the connection."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.actor import Actor, Role
from authz.rpc.admin.identity import NotIdentifiedError, identify, read_actor
from tests.authz.admin_rpc.authority import Authority


@dataclass(frozen=True, slots=True)
class _Connection:
    """What `identify` looks at of a call."""

    at: str
    properties: Mapping[str, Iterable[bytes]] = field(default_factory=dict)

    def peer(self) -> str:
        return self.at

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return self.properties


def _identify(*uris: str) -> Actor:
    return read_actor(uris, "192.0.2.7")


def test_the_unix_socket_is_the_owner() -> None:
    """Whoever may open it owns the service already."""
    local = identify(_Connection("unix:"))  # type: ignore[arg-type]
    assert local == Actor("local", Role.OWNER, "unix")


@pytest.mark.parametrize("role", Role)
def test_a_certificate_tells_role_and_name(role: Role) -> None:
    """And nothing else about its holder does."""
    actor = _identify(f"spiffe://tessera/admin/{role}/ada.l-1")
    assert actor == Actor("ada.l-1", role, "192.0.2.7")


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:192.0.2.7:4711", "192.0.2.7"), ("ipv6:%5B2001:db8::1%5D:443", "2001:db8::1")],
)
def test_an_address_is_read_without_its_port(authority: Authority, peer: str, address: str) -> None:
    """The brackets of IPv6 arrive in percent."""
    uri = x509.UniformResourceIdentifier("spiffe://tessera/admin/owner/ada")
    connection = _Connection(peer, {"x509_pem_cert": [authority.sign([uri]).certificate]})
    assert identify(connection) == Actor("ada", Role.OWNER, address)  # type: ignore[arg-type]


def test_a_certificate_counts_on_a_unix_socket_too(authority: Authority) -> None:
    """Where a server speaks TLS on one, its callers are not all its owner."""
    uri = x509.UniformResourceIdentifier("spiffe://tessera/admin/portal/web")
    connection = _Connection("unix:", {"x509_pem_cert": [authority.sign([uri]).certificate]})
    assert identify(connection).role is Role.PORTAL  # type: ignore[arg-type]


@pytest.mark.parametrize("properties", [{}, {"x509_pem_cert": [b"nonsense"]}], ids=["none", "bad"])
def test_without_a_certificate_nobody_is_known(properties: Mapping[str, Iterable[bytes]]) -> None:
    """Nor with one that cannot be read."""
    connection = _Connection("ipv4:192.0.2.7:4711", properties)
    with pytest.raises(NotIdentifiedError, match="cannot be read"):
        identify(connection)  # type: ignore[arg-type]


def test_other_uris_do_no_harm() -> None:
    """A certificate may be good for something else besides."""
    actor = _identify("https://example.com/", "spiffe://tessera/admin/portal/web")
    assert actor.role is Role.PORTAL


@pytest.mark.parametrize(
    ("uris", "sentence"),
    [
        ((), "exactly one URI .* it holds 0"),
        (("https://example.com/",), "it holds 0"),
        (("spiffe://tessera/admin/owner/a", "spiffe://tessera/admin/support/a"), "it holds 2"),
        (("spiffe://tessera/admin/owner/a", "spiffe://tessera/other"), "it holds 2"),
        (("spiffe://tessera/admin/king/ada",), "names a role that there is not; there are: owner"),
        (("spiffe://tessera/admin/owner",), "is not of the form"),
        (("spiffe://tessera/admin/owner/",), "is not of the form"),
        (("spiffe://tessera/admin/owner/a/b",), "is not of the form"),
        (("spiffe://tessera/admin/owner/ada\n",), "is not of the form"),
        (("spiffe://tessera/admin/owner/" + "a" * 101,), "is not of the form"),
        (("spiffe://tessera/admin/OWNER/ada",), "is not of the form"),
        (("spiffe://tessera/admin/owner/local",), "which is whoever calls on the Unix socket"),
        (("spiffe://tessera.example/admin/owner/ada",), "it holds 0"),
    ],
)
def test_a_certificate_that_does_not_tell_is_refused_with_a_sentence(
    uris: tuple[str, ...], sentence: str
) -> None:
    """So that whoever made it knows what to mend."""
    with pytest.raises(NotIdentifiedError, match=sentence):
        _identify(*uris)


@given(st.text())
def test_no_other_uri_is_an_identity(rest: str) -> None:
    """Whatever it says: it names a role there is and a plain name, or nobody."""
    try:
        actor = _identify(f"spiffe://tessera/{rest}")
    except NotIdentifiedError:
        return
    assert rest == f"admin/{actor.role}/{actor.name}"
    assert actor.name.isascii()
