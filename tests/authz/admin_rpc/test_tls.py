"""What the server's TLS takes, and what of a certificate is no identity."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import grpc
import pytest
from cryptography import x509

from authz.rpc.admin.certificates import CertificateFiles
from cli.certs.authority import Issued, issue_client, issue_server, make_authority
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import Client, empty_request
from tests.authz.admin_rpc.obliging import obliging_services
from tests.authz.admin_rpc.serving import Serving, serving

_OWNER = "spiffe://tessera/admin/owner/ada"
_DAY = timedelta(days=1)
_LOOPBACK = "127.0.0.1"


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Serving]:
    """A server that answers whoever may call, with nothing."""
    async with serving(authority, obliging_services()) as running:
        yield running


async def _answer(client: Client) -> grpc.StatusCode:
    try:
        await client.send("GetTier", empty_request("GetTier"))
    except grpc.aio.AioRpcError as error:
        return error.code()
    finally:
        await client.close()
    return grpc.StatusCode.OK


def _context(server: Serving) -> ssl.SSLContext:
    """Return a client of Python's own, which knows old versions too."""
    signed = server.authority.sign([x509.UniformResourceIdentifier(_OWNER)])
    folder = server.files.certificate.parent
    pair = folder / "client.crt", folder / "client.key"
    pair[0].write_bytes(signed.certificate)
    pair[1].write_bytes(signed.key)
    context = ssl.create_default_context(cadata=server.authority.pem.decode())
    context.load_cert_chain(*pair)
    context.set_alpn_protocols(["h2"])
    return context


async def _shake(server: Serving, context: ssl.SSLContext) -> tuple[str, str] | None:
    """Return the version and the cipher that both agree on, or nothing."""
    try:
        _, writer = await asyncio.open_connection(_LOOPBACK, server.port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return None
    cipher, version, _ = writer.get_extra_info("cipher")
    writer.close()
    return version, cipher


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_versions_that_are_safe_are_spoken(server: Serving, version: ssl.TLSVersion) -> None:
    """Both of them."""
    context = _context(server)
    context.minimum_version = context.maximum_version = version
    agreed = await _shake(server, context)
    assert agreed is not None
    assert "GCM" in agreed[1]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_versions_that_are_not_are_refused(server: Serving, version: ssl.TLSVersion) -> None:
    """Even where a client would speak them."""
    context = _context(server)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    assert await _shake(server, context) is None


async def test_ciphers_without_forward_secrecy_or_integrity_are_refused(server: Serving) -> None:
    """Who records and later finds a key still reads nothing."""
    context = _context(server)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256:AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    assert await _shake(server, context) is None


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName(_OWNER),
        x509.RFC822Name(_OWNER),
        x509.UniformResourceIdentifier(f"{_OWNER}\0.example"),
        x509.UniformResourceIdentifier(f"{_OWNER}%2e"),
        x509.UniformResourceIdentifier(_OWNER.upper()),
        x509.UniformResourceIdentifier(_OWNER.replace("//", "//ada@")),
        x509.UniformResourceIdentifier(_OWNER.replace("tessera", "tessera:443")),
    ],
    ids=str,
)
async def test_what_only_looks_like_an_identity_is_none(
    server: Serving, name: x509.GeneralName
) -> None:
    """Nor does it become one by decoding, cutting or folding."""
    signed, pem = server.authority.sign([name]), server.authority.pem
    client = server.connect(grpc.ssl_channel_credentials(pem, signed.key, signed.certificate))
    assert await _answer(client) is grpc.StatusCode.UNAUTHENTICATED


async def test_certificates_of_our_own_ca_are_good_for_what_they_say(server: Serving) -> None:
    """A client's calls; not a server's, even if it names an owner, nor one of another domain."""
    now = datetime.now(UTC)
    ca = make_authority("ca", _DAY, now)
    address = x509.IPAddress(ip_address(_LOOPBACK))
    _install(server.files, ca, issue_server(ca, "admin", [address], _DAY, now))
    uri = x509.UniformResourceIdentifier(_OWNER)
    elsewhere = _OWNER.replace("tessera", "elsewhere")
    for issued, expected in (
        (issue_client(ca, "ada", _OWNER, _DAY, now), grpc.StatusCode.OK),
        (issue_server(ca, "ada", [uri], _DAY, now), grpc.StatusCode.UNAVAILABLE),
        (issue_client(ca, "ada", elsewhere, _DAY, now), grpc.StatusCode.UNAVAILABLE),
    ):
        pem = ca.certificate_pem(), issued.key_pem(), issued.certificate_pem()
        assert await _answer(server.connect(grpc.ssl_channel_credentials(*pem))) is expected


def _install(files: CertificateFiles, ca: Issued, issued: Issued) -> None:
    files.certificate.write_bytes(issued.certificate_pem())
    files.key.write_bytes(issued.key_pem())
    files.client_ca.write_bytes(ca.certificate_pem())
