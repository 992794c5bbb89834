"""The secrets that turn a key into what may be stored of it."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from authz.domain.directory import PepperId

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

    id: PepperId
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
        return cls(PepperId(_sign(secret, _ID_CONTEXT).hex()[:8]), secret)

    def digest_key(self, key: str) -> bytes:
        """Return HMAC-SHA256(pepper, key): all that is ever stored of a key's text."""
        return _sign(self._secret, key.encode())

    def wrap(self, digest: bytes) -> bytes:
        """Return HMAC-SHA256(pepper, digest): a key's digest under one more pepper."""
        return _sign(self._secret, digest)

    def seal(self, content: bytes) -> bytes:
        """Return a seal by which a file written under this pepper is known again.

        Its context keeps it apart from every key's digest.
        """
        return _sign(self._secret, b"tessera seal\0" + content)

    def is_sealed(self, content: bytes, seal: bytes) -> bool:
        """Tell whether `seal` was made of exactly this content under this pepper."""
        return hmac.compare_digest(self.seal(content), seal)


@dataclass(frozen=True, slots=True)
class Peppers:
    """All that live keys may have been made or wrapped under; `newest` is for what is made now.

    A chain of them, in order, says how a digest came about: HMAC(last, ... HMAC(first, key)).
    Methods that take an id or a chain raise `KeyError` where this set does not hold it.
    """

    newest: Pepper
    _by_id: Mapping[PepperId, Pepper] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one pepper a line, the oldest first; blank lines and `#` comments mean nothing.

        Raises:
            BadPepperError: a line is something else, a pepper stands there twice, or there is none.
        """
        by_id: dict[PepperId, Pepper] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            content = line.partition("#")[0].strip()
            if not content:
                continue
            pepper = _parse_line(number, content)
            if pepper.id in by_id:
                raise BadPepperError(f"line {number}: This pepper stands above already.")
            by_id[pepper.id] = pepper
        if not by_id:
            raise BadPepperError("There is no pepper, and without one no key can be known.")
        return cls(list(by_id.values())[-1], by_id)

    def with_older(self, others: "Peppers") -> "Peppers":
        """Return these, after all that only `others` hold."""
        older = {name: others[name] for name in others.ids if name not in self}
        return Peppers(self.newest, older | dict(self._by_id))

    @property
    def ids(self) -> tuple[PepperId, ...]:
        """Names of all, the oldest first."""
        return tuple(self._by_id)

    def digest_key(self, text: str, chain: tuple[PepperId, ...]) -> bytes:
        """Return what is stored of a key under a chain of peppers."""
        return KeyDigests(text, self).under(chain)

    def wrap(self, digest: bytes, pepper_id: PepperId) -> bytes:
        """Return a key's digest under one more pepper."""
        return self._by_id[pepper_id].wrap(digest)

    def seal(self, content: bytes, pepper_id: PepperId) -> bytes:
        """Return the seal of a content under one pepper."""
        return self._by_id[pepper_id].seal(content)

    def is_sealed(self, content: bytes, seal: bytes, pepper_id: PepperId) -> bool:
        """Tell whether `seal` was made of exactly this content under this pepper."""
        return self._by_id[pepper_id].is_sealed(content, seal)

    def __getitem__(self, pepper_id: PepperId) -> Pepper:
        return self._by_id[pepper_id]

    def __contains__(self, pepper_id: PepperId) -> bool:
        return pepper_id in self._by_id


class KeyDigests:
    """One key's digests under any chains; chains that begin alike share the work."""

    __slots__ = ("_digests", "_peppers", "_text")

    def __init__(self, text: str, peppers: Peppers) -> None:
        self._text = text
        self._peppers = peppers
        self._digests: dict[tuple[PepperId, ...], bytes] = {}

    def under(self, chain: tuple[PepperId, ...]) -> bytes:
        """Return the digest under a chain. Raises `KeyError` where a pepper of it is not known."""
        digest = self._digests.get(chain)
        if digest is None:
            last = self._peppers[chain[-1]]
            inner = chain[:-1]
            digest = last.wrap(self.under(inner)) if inner else last.digest_key(self._text)
            self._digests[chain] = digest
        return digest


def _parse_line(number: int, content: str) -> Pepper:
    try:
        return Pepper.parse(content)
    except BadPepperError as error:
        # Never the line itself: it may be a secret with a typo.
        raise BadPepperError(f"line {number}: {error}") from None


def _sign(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, content, "sha256")
