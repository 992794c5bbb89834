"""What can be told from a key's text alone."""

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.keys import PATTERN, PREFIX, checksum, is_well_formed, mask_key, mint_key

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def mint_from(digits: list[int]) -> str:
    """Mint a key whose random digits are these."""
    left = iter(digits)
    return mint_key(lambda _: next(left))


keys = st.lists(st.integers(0, 61), min_size=34, max_size=34).map(mint_from)


@given(keys)
def test_a_minted_key_is_well_formed(key: str) -> None:
    """Every key that we make has the documented form: the prefix and 40 letters and digits."""
    assert is_well_formed(key)
    assert re.fullmatch(r"sk-tessera-[0-9A-Za-z]{40}", key)


@given(keys, st.integers(0, 39), st.sampled_from(BASE62))
def test_one_wrong_character_is_always_found(key: str, position: int, character: str) -> None:
    """A typo is refused without a look-up: CRC-32 finds every error of one character."""
    at = len(PREFIX) + position
    typo = key[:at] + character + key[at + 1 :]
    assert is_well_formed(typo) == (typo == key)


@given(keys, st.integers(0, 38))
def test_two_swapped_characters_are_always_found(key: str, position: int) -> None:
    """The other common typo is refused without a look-up too."""
    at = len(PREFIX) + position
    typo = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    assert is_well_formed(typo) == (typo == key)


@given(st.text() | st.from_regex(PATTERN, fullmatch=True))
def test_arbitrary_text_is_judged_without_an_exception(text: str) -> None:
    """Whatever stands in the header, judging it is safe."""
    assert is_well_formed(text) in (True, False)


KEY = mint_from([7] * 34)


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY + "\n",
        " " + KEY,
        KEY.upper(),
        KEY[:-1],
        KEY + "0",
        KEY.replace("sk-tessera-", "sk-"),
        KEY[:-1] + "\N{ARABIC-INDIC DIGIT THREE}",
    ],
)
def test_a_key_with_anything_around_it_is_refused(text: str) -> None:
    """The whole text must be the key; digits of other scripts are no digits."""
    assert not is_well_formed(text)


def test_the_checksum_is_crc32_in_base62() -> None:
    """The form is documented, so that a secret scanner can be written against it."""
    number = zlib.crc32(b"sk-tessera-abc")
    digits = [BASE62[number // 62**power % 62] for power in range(5, -1, -1)]
    assert checksum("sk-tessera-abc") == "".join(digits)


@given(keys)
def test_a_masked_key_shows_the_prefix_and_four_characters(key: str) -> None:
    """What may be logged or answered identifies a key to its owner, and is no secret."""
    assert mask_key(key) == f"sk-tesse****…{key[-4:]}"


@given(st.text(max_size=18))
def test_a_short_text_is_masked_whole(text: str) -> None:
    """Of a short secret, a prefix and four characters would be too much."""
    assert mask_key(text) == "****"
