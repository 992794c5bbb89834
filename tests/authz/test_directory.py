"""The one state that checks are answered from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network
from uuid import UUID, uuid4

import pytest

from authz.domain.directory import (
    AccountId,
    BadDirectoryError,
    Delta,
    Endpoint,
    Key,
    KeyId,
    KeyStatus,
    PepperId,
)
from authz.domain.packed_directory import Directory
from authz.domain.pepper import Pepper
from authz.domain.undecided import DirectoryStaleError
from authz.service.current_directory import CurrentDirectory
from tests.authz.doubles import (
    ACCOUNT,
    TIER,
    ManualClock,
    contents,
    key_text,
    make_directory,
    make_key,
)

_OTHER = PepperId("ffffffff")


def _change(directory: Directory, *keys: Key, number: int = 2) -> Directory:
    return directory.apply(Delta(number, {}, {}, {key.id: key for key in keys}))


def test_a_key_is_found_with_its_account_and_tier(pepper: Pepper) -> None:
    """One look-up gives all that a verdict needs."""
    key = make_key(pepper, key_text())
    holder = make_directory(key).find(key.digest, key.peppers)
    assert holder is not None
    assert (holder.key, holder.account, holder.tier) == (key, ACCOUNT, TIER)


def test_every_field_of_a_key_is_kept(pepper: Pepper) -> None:
    """Packed into bytes, and out of them again."""
    key = replace(
        make_key(pepper, key_text()),
        peppers=(pepper.id, _OTHER),
        status=KeyStatus.REVOKED,
        scopes=frozenset({Endpoint.MODELS}),
        networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
        expires_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    )
    assert list(make_directory(key).every_key()) == [key]


def test_an_expiry_in_any_zone_is_the_same_moment(pepper: Pepper) -> None:
    """To the microsecond."""
    zone = timezone(timedelta(hours=-11))
    key = make_key(pepper, key_text(), datetime(1969, 7, 20, 9, 17, 40, 1, tzinfo=zone))
    assert list(make_directory(key).every_key()) == [key]


def test_an_unknown_digest_finds_nobody(pepper: Pepper) -> None:
    """Not even in a directory with keys."""
    directory = make_directory(make_key(pepper, key_text()))
    assert directory.find(pepper.digest_key(key_text(1)), (pepper.id,)) is None


@pytest.mark.parametrize("chain", [(), (_OTHER,), ("same", _OTHER)])
def test_a_digest_under_another_chain_finds_nobody(pepper: Pepper, chain: tuple[str, ...]) -> None:
    """What is stored says how it was made."""
    key = make_key(pepper, key_text())
    asked = tuple(pepper.id if name == "same" else PepperId(name) for name in chain)
    assert make_directory(key).find(key.digest, asked) is None


def test_the_chain_of_most_active_keys_comes_first(pepper: Pepper) -> None:
    """It is tried first; keys that were revoked are not worth that."""
    old = [replace(make_key(pepper, key_text(n)), status=KeyStatus.REVOKED) for n in range(3)]
    new = replace(make_key(pepper, key_text(9)), peppers=(pepper.id, _OTHER))
    assert make_directory(*old, new).chains == ((pepper.id, _OTHER), (pepper.id,))


def test_a_chain_that_no_key_needs_is_gone(pepper: Pepper) -> None:
    """Or each pepper that ever was would cost every check a digest."""
    key = make_key(pepper, key_text())
    wrapped = replace(key, peppers=(pepper.id, _OTHER), digest=bytes(32))
    assert _change(make_directory(key), wrapped).chains == ((pepper.id, _OTHER),)


def test_a_delta_replaces_exactly_what_it_names(pepper: Pepper) -> None:
    """Revoking one key leaves the other as it was."""
    one, other = make_key(pepper, key_text()), make_key(pepper, key_text(1))
    revoked = replace(one, status=KeyStatus.REVOKED)
    after = _change(make_directory(one, other), revoked)
    assert contents(after) == contents(make_directory(revoked, other, number=2))


def test_a_delta_leaves_the_state_before_as_it_was(pepper: Pepper) -> None:
    """A check that is under way sees one state, and a snapshot is written of one."""
    key = make_key(pepper, key_text())
    before = make_directory(key)
    known = contents(before)
    before.apply(
        Delta(
            2,
            {TIER.name: replace(TIER, items_max=1)},
            {ACCOUNT.id: replace(ACCOUNT, name="other")},
            {key.id: None},
        )
    )
    assert contents(before) == known


def test_what_a_delta_no_longer_finds_is_gone(pepper: Pepper) -> None:
    """A deleted key cannot be used."""
    key = make_key(pepper, key_text())
    after = make_directory(key).apply(Delta(2, {}, {}, {key.id: None, KeyId(uuid4()): None}))
    assert after.find(key.digest, key.peppers) is None
    assert (after.key_count, after.chains) == (0, ())


def test_a_key_with_a_new_digest_is_not_found_by_the_old_one(pepper: Pepper) -> None:
    """Nor is it there twice."""
    key = make_key(pepper, key_text())
    moved = replace(key, digest=pepper.digest_key(key_text(1)))
    after = _change(make_directory(key), moved)
    assert after.find(key.digest, key.peppers) is None
    assert list(after.every_key()) == [moved]


def test_an_older_state_is_refused() -> None:
    """A database restored from a backup cannot bring revoked keys back to life."""
    with pytest.raises(BadDirectoryError, match="behind"):
        make_directory(number=5).apply(Delta(4, {}, {}, {}))


def test_two_keys_with_one_digest_are_refused(pepper: Pepper) -> None:
    """Nobody could say whose request it is, whether they come together or one by one."""
    one, other = make_key(pepper, key_text()), make_key(pepper, key_text())
    with pytest.raises(BadDirectoryError, match="share a digest"):
        make_directory(one, other)
    with pytest.raises(BadDirectoryError, match="share a digest"):
        _change(make_directory(one), other)


def test_a_key_without_its_account_is_refused(pepper: Pepper) -> None:
    """Half a change is no change."""
    stray = replace(make_key(pepper, key_text()), account_id=AccountId(uuid4()))
    with pytest.raises(BadDirectoryError, match="unknown account"):
        make_directory(stray)


def test_an_account_cannot_go_before_its_keys(pepper: Pepper) -> None:
    """Its keys would be nobody's."""
    key = make_key(pepper, key_text())
    without = Delta(2, {}, {ACCOUNT.id: None}, {})
    with pytest.raises(BadDirectoryError, match="unknown account"):
        make_directory(key).apply(without)
    assert make_directory().apply(without).accounts.get(ACCOUNT.id) is None


def test_an_account_without_its_tier_is_refused() -> None:
    """Taking a tier away that is in use is noticed at once, not at the next check."""
    with pytest.raises(BadDirectoryError, match="unknown tier"):
        make_directory().apply(Delta(2, {TIER.name: None}, {}, {}))
    with pytest.raises(BadDirectoryError, match="unknown tier"):
        make_directory().apply(Delta(2, {}, {ACCOUNT.id: replace(ACCOUNT, tier="none")}, {}))


def test_no_key_is_taken_for_another_within_a_page(pepper: Pepper) -> None:
    """Ids and digests that look alike, at any distance, are told apart."""
    keys = [
        replace(
            make_key(pepper, key_text()),
            id=KeyId(UUID(int=number)),
            digest=bytes(31) + bytes([number]),
        )
        for number in range(256)
    ]
    directory = make_directory(*keys)
    assert [directory.key(key.id) for key in keys] == keys
    assert contents(_change(directory, *keys[100:])) == contents(make_directory(*keys, number=2))
    gone = directory.apply(Delta(2, {}, {}, {key.id: None for key in keys[::2]}))
    assert contents(gone) == contents(make_directory(*keys[1::2], number=2))


def test_a_directory_without_news_answers_nothing(pepper: Pepper) -> None:
    """A key could have been revoked meanwhile."""
    clock = ManualClock()
    current = CurrentDirectory(300, clock)
    key = make_key(pepper, key_text())
    current.adopt(make_directory(key))
    current.confirm(clock.now)
    clock.now += 300
    assert current.find(key.digest, key.peppers) is not None
    clock.now += 0.001
    with pytest.raises(DirectoryStaleError):
        current.find(key.digest, key.peppers)


def test_a_directory_that_was_never_read_answers_nothing() -> None:
    """An empty start refuses nobody's key."""
    current = CurrentDirectory(300, ManualClock())
    assert current.age_seconds == float("inf")
    assert not current.is_fresh
    with pytest.raises(DirectoryStaleError):
        current.find(bytes(32), ())


def test_a_state_is_not_news_by_itself(pepper: Pepper) -> None:
    """Nor does older news make a directory older."""
    clock = ManualClock()
    current = CurrentDirectory(300, clock)
    current.adopt(make_directory())
    assert not current.is_fresh
    current.confirm(clock.now - 10)
    current.confirm(clock.now - 20)
    assert current.age_seconds == 10


def test_a_withdrawn_directory_answers_nothing(pepper: Pepper) -> None:
    """Until there is news again."""
    key = make_key(pepper, key_text())
    current = CurrentDirectory(300, ManualClock())
    current.adopt(make_directory(key))
    current.confirm(current.now())
    current.withdraw()
    with pytest.raises(DirectoryStaleError):
        current.find(key.digest, key.peppers)
    current.confirm(current.now())
    assert current.find(key.digest, key.peppers) is not None
