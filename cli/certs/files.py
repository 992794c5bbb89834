"""Certificates and private keys in files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cli.certs.authority import Issued
from cli.private_files import replace, write_new
from cli.refusal import CommandError

_AUTHORITY: Final = "ca"
_PUBLIC: Final = 0o644


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a certificate and its private key are."""

    certificate: Path
    key: Path

    @classmethod
    def named(cls, folder: Path, name: str) -> "Pair":
        """Return the files of that name in a folder."""
        return cls(folder / f"{name}.pem", folder / f"{name}-key.pem")


def authority_pair(folder: Path) -> Pair:
    """Return where a folder's CA is."""
    return Pair.named(folder, _AUTHORITY)


def make_files(pair: Pair, make: Callable[[], Issued], *, force: bool) -> x509.Certificate:
    """Make a certificate and write it and its key, the key for its owner alone.

    Raises:
        CommandError: a file exists and `force` was not said, or cannot be written.
    """
    try:
        pair.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not force:
            _refuse_existing(pair)
        issued = make()
        write = replace if force else write_new
        write(pair.key, issued.key_pem())
        write(pair.certificate, issued.certificate_pem(), _PUBLIC)
    except FileExistsError:
        _refuse_existing(pair)
        raise
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from None
    return issued.certificate


def read_authority(folder: Path, now: datetime) -> Issued:
    """Read a CA that is still valid. Raises `CommandError`."""
    pair = authority_pair(folder)
    if not pair.certificate.exists():
        raise CommandError(
            f"There is no CA in {folder}; make one with `tessera certs init --out {folder}`,"
            " or name its folder with --ca"
        )
    key = _read_key(pair.key)
    certificate = read_certificate(pair.certificate)
    if certificate.public_key() != key.public_key():
        raise CommandError(f"{pair.key} is not the private key of {pair.certificate}")
    if certificate.not_valid_after_utc <= now:
        raise CommandError(
            f"{pair.certificate} has expired; make a new CA with `tessera certs init`"
        )
    return Issued(certificate, key)


def read_certificate(path: Path) -> x509.Certificate:
    """Read the first certificate of a PEM file. Raises `CommandError`."""
    content = _read(path)
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError:
        what = "a private key" if b"PRIVATE KEY" in content else "no certificate"
        raise CommandError(f"{path} holds {what}; name a certificate in PEM") from None


def _read_key(path: Path) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError):
        raise CommandError(f"{path} holds no private key that can be read") from None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise CommandError(f"{path} holds no key of a CA that was made here")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None


def _refuse_existing(pair: Pair) -> None:
    for path in (pair.key, pair.certificate):
        if path.exists():
            raise CommandError(f"{path} exists; replace it with --force, or write elsewhere")
