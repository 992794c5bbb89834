"""Whether a report comes from whom it says."""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from leaks import refusals
from leaks.public_keys import KeysUnavailableError, PublicKey
from leaks.refusals import Refusal

IDENTIFIER_HEADER: Final = "Github-Public-Key-Identifier"
SIGNATURE_HEADER: Final = "Github-Public-Key-Signature"


class KeySource(Protocol):
    """Where public keys are kept."""

    async def find(self, identifier: str) -> PublicKey | None:
        """Return the key of that name. Raises `KeysUnavailableError` where none can say."""
        ...

    async def is_ready(self) -> bool:
        """Tell whether there are keys to find."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """What a report's headers say of who signed it."""

    identifier: str
    value: bytes


def parse_signature(identifiers: Sequence[str], signatures: Sequence[str]) -> Signature | Refusal:
    """Read the two headers' values, of which there must be one each."""
    for name, values in ((IDENTIFIER_HEADER, identifiers), (SIGNATURE_HEADER, signatures)):
        if not any(values):
            return refusals.bad_header(name, "is missing")
        if len(values) > 1:
            return refusals.bad_header(name, "is there more than once")
    try:
        value = b64decode(signatures[0], validate=True)
    except (binascii.Error, ValueError):  # the latter where it is not even ASCII
        return refusals.bad_header(SIGNATURE_HEADER, "is not base64")
    return Signature(identifiers[0], value)


class Verifier:
    """Checks signatures against the keys of all sources."""

    def __init__(self, sources: Sequence[KeySource]) -> None:
        self._sources = sources

    async def is_ready(self) -> bool:
        """Tell whether any signature could be right."""
        return any([await source.is_ready() for source in self._sources])

    async def refuse(self, body: bytes, signature: Signature) -> Refusal | None:
        """Return why the body, byte for byte, is not what a known key signed; or nothing."""
        try:
            key = await self._find(signature.identifier)
        except KeysUnavailableError:
            return refusals.public_keys_unavailable()
        if key is None:
            return refusals.unknown_public_key()
        return None if key.has_signed(body, signature.value) else refusals.wrong_signature()

    async def _find(self, identifier: str) -> PublicKey | None:
        for source in self._sources:
            if (key := await source.find(identifier)) is not None:
                return key
        return None
