"""Makes keys and certificates: a CA, and what it signs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cli.certs.role import TRUST_DOMAIN

_SKEW: Final = timedelta(minutes=5)
"""How far another machine's clock may be behind."""
_ORGANIZATION: Final = "Tessera"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey = field(repr=False)

    def certificate_pem(self) -> bytes:
        """Return the certificate as files hold it."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """Return the private key as files hold it, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_authority(name: str, lifetime: timedelta, now: datetime) -> Issued:
    """Make a CA that signs no other CA, and no client identity but Tessera's."""
    key = _make_key()
    subject = _name(name)
    builder = _builder(subject, subject, key, key, now, now + lifetime)
    signed_for = x509.UniformResourceIdentifier(TRUST_DOMAIN)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([signed_for], None), critical=True)
    )
    return Issued(builder.sign(key, hashes.SHA256()), key)


def issue_client(
    authority: Issued, name: str, identity: str, lifetime: timedelta, now: datetime
) -> Issued:
    """Sign a certificate with which the holder of an identity calls servers."""
    names = [x509.UniformResourceIdentifier(identity)]
    return _issue(authority, name, names, ExtendedKeyUsageOID.CLIENT_AUTH, lifetime, now)


def issue_server(
    authority: Issued,
    name: str,
    hosts: Sequence[x509.GeneralName],
    lifetime: timedelta,
    now: datetime,
) -> Issued:
    """Sign a certificate with which a server answers at these hosts."""
    return _issue(authority, name, hosts, ExtendedKeyUsageOID.SERVER_AUTH, lifetime, now)


def _issue(
    authority: Issued,
    name: str,
    names: Sequence[x509.GeneralName],
    usage: x509.ObjectIdentifier,
    lifetime: timedelta,
    now: datetime,
) -> Issued:
    key = _make_key()
    issuer = authority.certificate
    # Nothing is valid longer than its CA.
    until = min(now + lifetime, issuer.not_valid_after_utc)
    builder = _builder(_name(name), issuer.subject, key, authority.key, now, until)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return Issued(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    signer: EllipticCurvePrivateKey,
    now: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signed_by, critical=False)
    )


def _make_key() -> EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
