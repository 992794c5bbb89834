"""The secret that turns a key into what may be stored of it."""

import hmac
from dataclasses import dataclass, field
from typing import Final, Self

_BYTES: Final = 32
_ID_CONTEXT: Final = b"tessera pepper id"


class BadPepperError(ValueError):
    """A pepper must be 32 bytes, written in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Pepper:
    """A secret outside the database; `id` names it without revealing it.

    The id is derived from the secret, so a wrong secret shows as an unknown id before any good key
    is refused because of it.
    """

    id: str
    _secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pepper from hexadecimal text.

        Raises:
            BadPepperError: the text is something else.
        """
        try:
            secret = bytes.fromhex(text.strip())
        except ValueError:
            raise BadPepperError(BadPepperError.__doc__) from None
        if len(secret) != _BYTES:
            raise BadPepperError(BadPepperError.__doc__)
        return cls(_sign(secret, _ID_CONTEXT).hex()[:8], secret)

    def digest_key(self, key: str) -> bytes:
        """Return HMAC-SHA256(pepper, key): all that is ever stored of a key's text."""
        return _sign(self._secret, key.encode())

    def seal(self, content: bytes) -> bytes:
        """Return a seal by which a file written under this pepper is known again.

        Its context keeps it apart from every key's digest.
        """
        return _sign(self._secret, b"tessera seal\0" + content)

    def is_sealed(self, content: bytes, seal: bytes) -> bool:
        """Tell whether `seal` was made of exactly this content under this pepper."""
        return hmac.compare_digest(self.seal(content), seal)


def _sign(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, content, "sha256")
