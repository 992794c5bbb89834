"""A reporter's keys, and reports signed with them."""

import json
from base64 import b64encode
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from leaks.signature import IDENTIFIER_HEADER, SIGNATURE_HEADER


class Signer:
    """Signs as GitHub does, on any curve."""

    def __init__(
        self, identifier: str = "reporter-1", curve: ec.EllipticCurve | None = None
    ) -> None:
        self.identifier = identifier
        self._key = ec.generate_private_key(curve or ec.SECP256R1())

    def sign(self, body: bytes) -> bytes:
        """Return the signature in DER."""
        return self._key.sign(body, ec.ECDSA(SHA256()))

    def headers(self, body: bytes) -> dict[str, str]:
        """Return what goes with a body."""
        return {
            "Content-Type": "application/json",
            IDENTIFIER_HEADER: self.identifier,
            SIGNATURE_HEADER: b64encode(self.sign(body)).decode(),
        }

    def pem(self) -> str:
        """Return the public key."""
        public = self._key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def publish(signers: Iterable[Signer]) -> bytes:
    """Write public keys as GitHub publishes them."""
    keys = [
        {"key_identifier": each.identifier, "key": each.pem(), "is_current": True}
        for each in signers
    ]
    return json.dumps({"public_keys": keys}).encode()


def report_of(*tokens: str, url: str = "https://github.com/acme/shop/blob/1/a.py") -> bytes:
    """Write a report as GitHub does."""
    findings = [
        {"token": token, "type": "tessera_api_key", "url": url, "source": "content"}
        for token in tokens
    ]
    return json.dumps(findings).encode()
