"""The one state that checks are answered from."""

from dataclasses import replace
from uuid import uuid4

import pytest

from authz.domain.directory import AccountId, BadDirectoryError, Delta, KeyStatus
from authz.domain.pepper import Pepper
from authz.domain.undecided import DirectoryStaleError
from authz.service.current_directory import CurrentDirectory
from tests.authz.doubles import ACCOUNT, TIER, ManualClock, key_text, make_directory, make_key


def test_a_key_is_found_with_its_account_and_tier(pepper: Pepper) -> None:
    """One look-up gives all that a verdict needs."""
    key = make_key(pepper, key_text())
    holder = make_directory(key).find(pepper.digest_key(key_text()))
    assert holder is not None
    assert (holder.key, holder.account, holder.tier) == (key, ACCOUNT, TIER)


def test_an_unknown_digest_finds_nobody(pepper: Pepper) -> None:
    """Not even in a directory with keys."""
    directory = make_directory(make_key(pepper, key_text()))
    assert directory.find(pepper.digest_key(key_text(1))) is None


def test_a_delta_replaces_exactly_what_it_names(pepper: Pepper) -> None:
    """Revoking one key leaves the other as it was."""
    one, other = make_key(pepper, key_text()), make_key(pepper, key_text(1))
    revoked = replace(one, status=KeyStatus.REVOKED)
    after = make_directory(one, other).apply(Delta(2, {}, {}, {one.id: revoked}))
    assert after == make_directory(revoked, other, number=2)


def test_what_a_delta_no_longer_finds_is_gone(pepper: Pepper) -> None:
    """A deleted key cannot be used."""
    key = make_key(pepper, key_text())
    after = make_directory(key).apply(Delta(2, {}, {}, {key.id: None}))
    assert after.find(key.digest) is None


def test_an_older_state_is_refused() -> None:
    """A database restored from a backup cannot bring revoked keys back to life."""
    with pytest.raises(BadDirectoryError, match="behind"):
        make_directory(number=5).apply(Delta(4, {}, {}, {}))


def test_two_keys_with_one_digest_are_refused(pepper: Pepper) -> None:
    """Nobody could say whose request it is."""
    with pytest.raises(BadDirectoryError, match="share a digest"):
        make_directory(make_key(pepper, key_text()), make_key(pepper, key_text()))


def test_a_key_without_its_account_is_refused(pepper: Pepper) -> None:
    """Half a change is no change."""
    stray = replace(make_key(pepper, key_text()), account_id=AccountId(uuid4()))
    with pytest.raises(BadDirectoryError, match="unknown account"):
        make_directory(stray)


def test_an_account_without_its_tier_is_refused() -> None:
    """Taking a tier away that is in use is noticed at once, not at the next check."""
    with pytest.raises(BadDirectoryError, match="unknown tier"):
        make_directory().apply(Delta(2, {TIER.name: None}, {}, {}))


def test_a_directory_without_news_answers_nothing(pepper: Pepper) -> None:
    """A key could have been revoked meanwhile."""
    clock = ManualClock()
    current = CurrentDirectory(300, clock)
    key = make_key(pepper, key_text())
    current.confirm(make_directory(key))
    clock.now += 300
    assert current.find(key.digest) is not None
    clock.now += 0.001
    with pytest.raises(DirectoryStaleError):
        current.find(key.digest)


def test_a_directory_that_was_never_read_answers_nothing() -> None:
    """An empty start refuses nobody's key."""
    current = CurrentDirectory(300, ManualClock())
    assert current.age_seconds == float("inf")
    with pytest.raises(DirectoryStaleError):
        current.find(b"")
