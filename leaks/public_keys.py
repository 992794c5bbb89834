"""The public keys with which a reporter signs, in the form that GitHub publishes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import orjson
import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_log = structlog.get_logger()


class BadPublicKeysError(ValueError):
    """It is no list of public keys with one that can be used."""


class KeysUnavailableError(Exception):
    """Whether a key is among the published ones cannot be told now."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An ECDSA key on the curve P-256."""

    _key: ec.EllipticCurvePublicKey = field(repr=False)

    @classmethod
    def parse(cls, pem: str) -> Self | None:
        """Read a key in PEM; nothing where it is none, or one of another kind."""
        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            return None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return None
        return cls(key) if isinstance(key.curve, ec.SECP256R1) else None

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        """Tell whether `signature`, in DER, was made over exactly this content."""
        try:
            self._key.verify(signature, content, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """Keys by their identifiers."""

    _by_identifier: Mapping[str, PublicKey]

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read GitHub's `{"public_keys": [{"key_identifier", "key", "is_current"}]}`.

        Keys that are no longer current stay in its list for what was signed before, and are taken
        for as long as they do. Keys of another kind are left out.

        Raises:
            BadPublicKeysError: no key in it can be used.
        """
        try:
            items = orjson.loads(content)["public_keys"]
            keys = {
                str(item["key_identifier"]): PublicKey.parse(str(item["key"])) for item in items
            }
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise BadPublicKeysError(BadPublicKeysError.__doc__) from None
        for identifier, key in keys.items():
            if key is None:
                _log.warning("public_key.refused", identifier=identifier)
        good = {identifier: key for identifier, key in keys.items() if key is not None}
        if not good:
            raise BadPublicKeysError(BadPublicKeysError.__doc__)
        return cls(good)

    def find(self, identifier: str) -> PublicKey | None:
        """Return the key of that name."""
        return self._by_identifier.get(identifier)

    def __len__(self) -> int:
        return len(self._by_identifier)
