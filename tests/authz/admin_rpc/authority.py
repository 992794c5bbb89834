"""A certificate authority in memory, which signs whatever a test wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from authz.rpc.admin.certificates import CertificateFiles

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Signed:
    """A key and its certificate, in PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs; `pem` is what those who trust it are given."""

    key: EllipticCurvePrivateKey
    name: x509.Name
    pem: bytes

    @classmethod
    def make(cls) -> Self:
        """Make an authority that signs itself."""
        key, name = generate_private_key(SECP256R1()), _name("test authority")
        certificate = (
            _describe(name, name, key, _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, SHA256())
        )
        return cls(key, name, certificate.public_bytes(Encoding.PEM))

    def sign(self, names: Sequence[x509.GeneralName] = (), lasts: timedelta = _DAY) -> Signed:
        """Make a key and a certificate of it that holds these alternative names."""
        key = generate_private_key(SECP256R1())
        builder = _describe(_name("test"), self.name, key, lasts)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Signed(private, certificate)

    def sign_server(self) -> Signed:
        """Make what a server on the loopback interface shows."""
        return self.sign([x509.IPAddress(ip_address("127.0.0.1"))])

    def sign_client(self, *uris: str, lasts: timedelta = _DAY) -> grpc.ChannelCredentials:
        """Make the credentials of a client with these URIs, which trusts this authority."""
        signed = self.sign([x509.UniformResourceIdentifier(uri) for uri in uris], lasts)
        return grpc.ssl_channel_credentials(self.pem, signed.key, signed.certificate)

    def write_server_files(self, folder: Path) -> CertificateFiles:
        """Write a server's files, as a deployment does."""
        signed = self.sign_server()
        files = CertificateFiles(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
        files.certificate.write_bytes(signed.certificate)
        files.key.write_bytes(signed.key)
        files.client_ca.write_bytes(self.pem)
        return files


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _describe(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(now + lasts)
    )
