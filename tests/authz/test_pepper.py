"""The secret that keys are hashed with."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.pepper import BadPepperError, Pepper

_TEXT = "0f" * 32


def test_a_digest_is_hmac_sha256() -> None:
    """Another implementation can find the same digest."""
    expected = hmac.new(bytes.fromhex(_TEXT), b"sk-x", hashlib.sha256).digest()
    assert Pepper.parse(_TEXT + "\n").digest_key("sk-x") == expected


def test_the_secret_is_never_shown() -> None:
    """A pepper in a log line or traceback is harmless."""
    shown = repr(Pepper.parse(_TEXT))
    assert _TEXT not in shown
    assert repr(bytes.fromhex(_TEXT)) not in shown


def test_another_secret_has_another_id() -> None:
    """A process with the wrong secret notices before it refuses a good key."""
    assert Pepper.parse(_TEXT).id != Pepper.parse("10" * 32).id


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 31, "00" * 33])
def test_anything_but_32_bytes_is_refused(text: str) -> None:
    """A cut secret would be a weak one."""
    with pytest.raises(BadPepperError):
        Pepper.parse(text)


@given(st.text(max_size=10_000), st.text(max_size=10_000))
def test_different_keys_have_different_digests(one: str, other: str) -> None:
    """At any length: nothing is cut before it is hashed."""
    pepper = Pepper.parse(_TEXT)
    assert (pepper.digest_key(one) == pepper.digest_key(other)) == (one == other)


def test_a_seal_fits_one_content_and_one_pepper() -> None:
    """Neither a changed file nor another stack's passes for ours."""
    pepper = Pepper.parse(_TEXT)
    seal = pepper.seal(b"content")
    assert pepper.is_sealed(b"content", seal)
    assert not pepper.is_sealed(b"Content", seal)
    assert not Pepper.parse("10" * 32).is_sealed(b"content", seal)
