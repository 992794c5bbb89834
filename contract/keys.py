"""The form of an API key: what can be told from its text alone.

`sk-tessera-` + 34 random base62 characters (202 bits) + 6 of CRC-32 over all that precedes, so a
typo or a random string is refused without a look-up and a scanner can tell a real key offline.
"""

import re
import zlib
from collections.abc import Callable
from typing import Final

PREFIX: Final = "sk-tessera-"
RANDOM_LENGTH: Final = 34
CHECKSUM_LENGTH: Final = 6
PATTERN: Final = rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}"
"""A regular expression in the dialect that Python and RE2 (Envoy) share."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MATCHES: Final = re.compile(PATTERN, re.ASCII).fullmatch


def mint_key(pick_index: Callable[[int], int]) -> str:
    """Make a new key; `pick_index(n)` returns a secure random integer in [0, n)."""
    random = "".join(_ALPHABET[pick_index(len(_ALPHABET))] for _ in range(RANDOM_LENGTH))
    return PREFIX + random + checksum(PREFIX + random)


def is_well_formed(text: str) -> bool:
    """Tell whether `text` has a key's form and a right checksum; says nothing of its existence."""
    return (
        _MATCHES(text) is not None and checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]
    )


def mask_key(text: str) -> str:
    """Return what may be shown of a key: a prefix and the last four characters."""
    if len(text) < len(PREFIX) + 8:
        return "****"
    return f"{text[:8]}****…{text[-4:]}"


def checksum(text: str) -> str:
    """Return the CRC-32 of `text` in base62, six characters, most significant first."""
    rest = zlib.crc32(text.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
