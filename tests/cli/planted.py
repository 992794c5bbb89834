"""Keys for the scanner to find."""

import random

from contract.keys import PREFIX, mint_key


def make_key(seed: int = 0) -> str:
    """Return the same well-formed key for the same seed."""
    return mint_key(random.Random(seed).randrange)  # noqa: S311 - it opens nothing


def spoil(key: str) -> str:
    """Return a string of the same form whose checksum is wrong."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


def shows_secret(text: str, key: str) -> bool:
    """Tell whether `text` holds any eight characters in a row of the key's random part."""
    random_part = key[len(PREFIX) : -4]
    return any(random_part[i : i + 8] in text for i in range(len(random_part) - 7))
