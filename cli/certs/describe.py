"""What a certificate says, for people and for programs."""

from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cli.admin.document import Document, Json

E = TypeVar("E", bound=x509.ExtensionType)


def describe(certificate: x509.Certificate, now: datetime) -> Document:
    """Return what identifies a certificate, what it is for, and until when."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    return {
        "subject": _common_name(certificate.subject),
        "issuer": _common_name(certificate.issuer),
        "use": _use(certificate),
        "identity": _first(names, x509.UniformResourceIdentifier),
        "hosts": _hosts(names),
        "not_before": _time(certificate.not_valid_before_utc),
        "not_after": _time(certificate.not_valid_after_utc),
        "status": _status(certificate, now),
        "serial": f"{certificate.serial_number:x}",
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
    }


def _use(certificate: x509.Certificate) -> str:
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        return "ca"
    usages = list(_extension(certificate, x509.ExtendedKeyUsage) or ())
    if usages == [ExtendedKeyUsageOID.CLIENT_AUTH]:
        return "client"
    return "server" if usages == [ExtendedKeyUsageOID.SERVER_AUTH] else "other"


def _status(certificate: x509.Certificate, now: datetime) -> str:
    if now > certificate.not_valid_after_utc:
        return "expired"
    return "valid" if now >= certificate.not_valid_before_utc else "not yet valid"


def _hosts(names: x509.SubjectAlternativeName | None) -> list[Json]:
    if names is None:
        return []
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _first(
    names: x509.SubjectAlternativeName | None, kind: type[x509.UniformResourceIdentifier]
) -> str | None:
    return next(iter(names.get_values_for_type(kind)), None) if names else None


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
