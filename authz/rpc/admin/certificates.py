"""The server's certificate and who vouches for clients, read again when the files change."""

import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates

_log = structlog.get_logger()


class BadCertificateError(ValueError):
    """The files do not belong together, or are no certificates."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files: the server's chain, its key, and the authorities that sign clients."""

    certificate: Path
    key: Path
    client_ca: Path

    def versions(self) -> tuple[tuple[int, int, int], ...]:
        """Return what is another as soon as a file was written or replaced. Raises `OSError`."""
        files = (self.certificate, self.key, self.client_ca)
        return tuple(
            (stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in map(Path.stat, files)
        )


class Certificates:
    """What each new connection is shown; half a change is not shown to any."""

    def __init__(self, files: CertificateFiles) -> None:
        """Read the files. Raises `OSError` and `BadCertificateError`."""
        self._files = files
        self._lock = threading.Lock()  # gRPC asks from threads of its own
        self._versions = files.versions()
        self._first = _read(files)

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a port needs to speak TLS with clients that have a certificate."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            self._read_again,  # type: ignore[arg-type] # the stubs lack that None is "as before"
            require_client_authentication=True,
        )

    def _read_again(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what is new since the last time, if anything is and can be used."""
        with self._lock:
            try:
                versions = self._files.versions()
                if versions == self._versions:
                    return None
                fresh = _read(self._files)
            except (OSError, BadCertificateError) as error:
                _log.error("certificates.refused", error=type(error).__name__)
                return None
            self._versions = versions
        _log.info("certificates.replaced")
        return fresh


def _read(files: CertificateFiles) -> grpc.ServerCertificateConfiguration:
    chain, key = files.certificate.read_bytes(), files.key.read_bytes()
    client_ca = files.client_ca.read_bytes()
    try:
        certificate = load_pem_x509_certificate(chain)
        private = load_pem_private_key(key, password=None)
        load_pem_x509_certificates(client_ca)
    except (ValueError, TypeError):
        raise BadCertificateError(
            f"{files.certificate}, {files.key} or {files.client_ca} is no PEM file of its kind"
        ) from None
    if certificate.public_key() != private.public_key():
        raise BadCertificateError(f"{files.key} is not the key of {files.certificate}")
    return grpc.ssl_server_certificate_configuration([(key, chain)], client_ca)
