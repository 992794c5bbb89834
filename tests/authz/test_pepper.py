"""The secret that keys are hashed with."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.directory import PepperId
from authz.domain.pepper import BadPepperError, KeyDigests, Pepper, Peppers

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


_OLD, _NEW, _OTHER = (Pepper.parse(byte * 32) for byte in ("0f", "10", "11"))
_BOTH = Peppers.parse("0f" * 32 + "\n" + "10" * 32)


def test_the_last_line_is_the_newest() -> None:
    """Blank lines and comments mean nothing, before, between, behind and at a line's end."""
    text = f"# peppers\n\n{'0f' * 32}  # 2026\r\n\t\n  {'10' * 32}\n#{'11' * 32}"
    peppers = Peppers.parse(text)
    assert peppers.ids == (_OLD.id, _NEW.id)
    assert peppers.newest == _NEW


def test_a_file_of_one_line_is_one_pepper() -> None:
    """As it was before there could be more."""
    peppers = Peppers.parse("0f" * 32 + "\n")
    assert (peppers.ids, peppers.newest) == ((_OLD.id,), _OLD)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no pepper, and without one no key can be known."),
        ("# none\n\n", "There is no pepper, and without one no key can be known."),
        ("0f" * 32 + "\nsecret", f"line 2: {BadPepperError.__doc__}"),
        ("\n" + "0f" * 31, f"line 2: {BadPepperError.__doc__}"),
        (f"{'0f' * 32}\n{'0F' * 32}", "line 2: This pepper stands above already."),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence_without_a_secret(text: str, sentence: str) -> None:
    """It says where, and never what."""
    with pytest.raises(BadPepperError) as raised:
        Peppers.parse(text)
    assert str(raised.value) == sentence


def test_a_chain_wraps_in_order() -> None:
    """HMAC(last, ... HMAC(first, key)), as SQL or another implementation would find it."""
    inner = hmac.digest(bytes.fromhex("0f" * 32), b"sk-x", "sha256")
    outer = hmac.digest(bytes.fromhex("10" * 32), inner, "sha256")
    assert _BOTH.digest_key("sk-x", (_OLD.id,)) == inner
    assert _BOTH.digest_key("sk-x", (_OLD.id, _NEW.id)) == outer
    assert _BOTH.wrap(inner, _NEW.id) == outer


@given(st.lists(st.sampled_from(_BOTH.ids), min_size=1, max_size=4).map(tuple))
def test_digests_that_share_their_work_are_the_same(chain: tuple[PepperId, ...]) -> None:
    """Whichever were asked before."""
    digests = KeyDigests("sk-x", _BOTH)
    digests.under((_OLD.id,))
    digests.under((_NEW.id, _OLD.id))
    assert digests.under(chain) == _BOTH.digest_key("sk-x", chain)


def test_a_pepper_that_is_not_there_digests_nothing() -> None:
    """Rather than something wrong."""
    for chain in ((_OTHER.id,), (_OTHER.id, _OLD.id), (_OLD.id, _OTHER.id)):
        with pytest.raises(KeyError):
            _BOTH.digest_key("sk-x", chain)


def test_a_seal_names_its_pepper() -> None:
    """And fits under no other."""
    seal = _BOTH.seal(b"content", _OLD.id)
    assert _BOTH.is_sealed(b"content", seal, _OLD.id)
    assert not _BOTH.is_sealed(b"content", seal, _NEW.id)


def test_no_secret_of_many_is_ever_shown() -> None:
    """Nor a key's text while it is digested."""
    shown = repr(_BOTH) + repr(KeyDigests("sk-x", _BOTH))
    for secret in ("0f" * 32, "10" * 32, repr(bytes.fromhex("0f" * 32)), "sk-x"):
        assert secret not in shown
