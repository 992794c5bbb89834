"""Whose request it is."""

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from secrets import randbelow
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz.domain.directory import AccountStatus, Holder, Key, KeyStatus, PepperId
from authz.domain.pepper import KeyDigests, Pepper, Peppers
from authz.domain.undecided import DirectoryStaleError
from authz.domain.verdict import Denied, Reason
from authz.service.authenticate import Authenticator
from authz.service.propose_rehashes import Rehasher
from contract.keys import mint_key
from tests.authz.authenticators import Records, know, make_authenticator
from tests.authz.doubles import ACCOUNT, NOW, key_text, make_current, make_directory, make_key

_TEXT = key_text()


def _authenticate(
    pepper: Pepper,
    authorization: str | None,
    key: Key | None = None,
    status: AccountStatus = AccountStatus.ACTIVE,
    now: datetime = NOW,
) -> Holder | Denied:
    account = replace(ACCOUNT, status=status)
    directory = make_directory(key or make_key(pepper, _TEXT), account=account)
    return make_authenticator(make_current(directory)).authenticate(authorization, None, now)


def _reason(outcome: Holder | Denied) -> tuple[Reason, int]:
    assert isinstance(outcome, Denied)
    return outcome.reason, outcome.error.status


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_key_is_let_in(pepper: Pepper, scheme: str) -> None:
    """The scheme's name has no case."""
    assert isinstance(_authenticate(pepper, f"{scheme} {_TEXT}"), Holder)


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", f"Basic {_TEXT}", _TEXT, f"Bearer{_TEXT}"]
)
def test_no_bearer_is_a_missing_key(pepper: Pepper, authorization: str | None) -> None:
    """The error says how to send one."""
    assert _reason(_authenticate(pepper, authorization)) == (Reason.MISSING_KEY, 401)


@pytest.mark.parametrize(
    "key",
    [
        _TEXT[:-1],
        _TEXT + "0",
        _TEXT[:-1] + ("1" if _TEXT[-1] == "0" else "0"),
        "sk-" + _TEXT[11:],
        f"{_TEXT},Bearer {_TEXT}",
        "' OR 1=1 --",
        "x" * 65536,
        "\x00" * 51,
        "sk-tessera-" + "é" * 40,
        "sk-tessera-" + "٣" * 40,
        "\ud800",
    ],
)
def test_a_malformed_key_is_refused_without_a_look_up(key: str) -> None:
    """Even where nothing could be looked up."""
    outcome = make_authenticator(make_current()).authenticate(f"Bearer {key}", None, NOW)
    assert _reason(outcome) == (Reason.MALFORMED_KEY, 401)


def test_an_unknown_key_is_refused(pepper: Pepper) -> None:
    """A right checksum is not yet a key."""
    outcome = _authenticate(pepper, f"Bearer {key_text(1)}")
    assert _reason(outcome) == (Reason.UNKNOWN_KEY, 401)


def test_a_revoked_key_is_refused(pepper: Pepper) -> None:
    """With the same answer as an unknown one."""
    key = replace(make_key(pepper, _TEXT), status=KeyStatus.REVOKED)
    assert _reason(_authenticate(pepper, f"Bearer {_TEXT}", key)) == (Reason.REVOKED_KEY, 401)


def test_a_key_expires_by_the_clock_at_the_check(pepper: Pepper) -> None:
    """Not by the time at which it was read."""
    key = make_key(pepper, _TEXT, expires_at=NOW)
    before = NOW - timedelta(microseconds=1)
    assert isinstance(_authenticate(pepper, f"Bearer {_TEXT}", key, now=before), Holder)
    outcome = _authenticate(pepper, f"Bearer {_TEXT}", key, now=NOW)
    assert _reason(outcome) == (Reason.EXPIRED_KEY, 401)


def test_a_suspended_account_is_told_so(pepper: Pepper) -> None:
    """Its key is good, and it is not the key that has to change."""
    outcome = _authenticate(pepper, f"Bearer {_TEXT}", status=AccountStatus.SUSPENDED)
    assert _reason(outcome) == (Reason.SUSPENDED_ACCOUNT, 403)


def test_a_closed_accounts_key_is_no_key(pepper: Pepper) -> None:
    """Whoever holds it learns nothing of the account."""
    outcome = _authenticate(pepper, f"Bearer {_TEXT}", status=AccountStatus.CLOSED)
    assert _reason(outcome) == (Reason.CLOSED_ACCOUNT, 401)


@given(st.text(max_size=300))
@example(f"Bearer {_TEXT[:-1]}")
@example("Bearer " + "a" * 100)
def test_anything_else_is_a_401_that_shows_little(text: str) -> None:
    """No header raises, and at most a prefix and four characters come back."""
    pepper = Pepper.parse("5e" * 32)
    outcome = _authenticate(pepper, text)
    assert isinstance(outcome, Denied)
    assert outcome.error.status == 401
    key = text.partition(" ")[2].strip()
    if len(key) > 12:
        assert key not in outcome.error.message


_OLD, _NEW = Peppers.parse("5e" * 32 + "\n" + "10" * 32).ids
_ROTATED = Peppers.parse("5e" * 32 + "\n" + "10" * 32)


def _key(number: int, *chain: PepperId) -> Key:
    """Return the key of this number under a chain of peppers."""
    text = key_text(number)
    made = make_key(Pepper.parse("5e" * 32), text)
    return replace(made, digest=_ROTATED.digest_key(text, chain), peppers=chain)


_MADE_BEFORE = _key(0, _OLD)
_WRAPPED = _key(1, _OLD, _NEW)
_MADE_AFTER = _key(2, _NEW)


def _ask(authenticator: Authenticator, number: int, address: str | None = None) -> Holder | Denied:
    return authenticator.authenticate(f"Bearer {key_text(number)}", address, NOW)


def _found(outcome: Holder | Denied) -> Key:
    assert isinstance(outcome, Holder)
    return outcome.key


def test_keys_work_while_their_pepper_is_replaced() -> None:
    """Made before, wrapped by now, or made after: each is found under its own chain."""
    current = make_current(make_directory(_MADE_BEFORE, _WRAPPED, _MADE_AFTER))
    authenticator = make_authenticator(current, _ROTATED)
    found = [_found(_ask(authenticator, number)) for number in range(3)]
    assert found == [_MADE_BEFORE, _WRAPPED, _MADE_AFTER]
    assert _reason(_ask(authenticator, 3)) == (Reason.UNKNOWN_KEY, 401)


def test_a_revoked_key_under_a_retired_pepper_is_unknown() -> None:
    """Others are found all the same."""
    revoked = replace(_MADE_BEFORE, status=KeyStatus.REVOKED)
    current = make_current(make_directory(revoked, _MADE_AFTER))
    authenticator = make_authenticator(current, Peppers.parse("10" * 32))
    assert _found(_ask(authenticator, 2)) == _MADE_AFTER
    assert _reason(_ask(authenticator, 0)) == (Reason.UNKNOWN_KEY, 401)


def test_a_digest_under_another_chain_is_no_key() -> None:
    """Who reads a digest cannot make it pass for one with fewer peppers."""
    misled = replace(_WRAPPED, peppers=(_NEW,))
    authenticator = make_authenticator(make_current(make_directory(misled)), _ROTATED)
    assert _reason(_ask(authenticator, 1)) == (Reason.UNKNOWN_KEY, 401)


def test_nothing_is_told_of_any_key_before_keys_are_known() -> None:
    """A process that knows none must not call a good one wrong."""
    with pytest.raises(DirectoryStaleError):
        _ask(make_authenticator(make_current()), 0)


_FAULTS = [
    ({"status": KeyStatus.REVOKED}, AccountStatus.CLOSED, Reason.REVOKED_KEY),
    ({"expires_at": NOW}, AccountStatus.CLOSED, Reason.EXPIRED_KEY),
    ({}, AccountStatus.CLOSED, Reason.CLOSED_ACCOUNT),
    ({}, AccountStatus.SUSPENDED, Reason.SUSPENDED_ACCOUNT),
    ({}, AccountStatus.ACTIVE, Reason.ADDRESS_NOT_ALLOWED),
]


@pytest.mark.parametrize(("change", "status", "reason"), _FAULTS, ids=[row[2] for row in _FAULTS])
async def test_the_gravest_fault_is_told_and_no_use_is_noted(
    change: dict[str, Any], status: AccountStatus, reason: Reason
) -> None:
    """Whoever may not use a key learns nothing of its networks, and leaves no trace on it."""
    key = replace(_WRAPPED, networks=(IPv4Network("192.0.2.0/24"),), **change)
    current = make_current(make_directory(key, account=replace(ACCOUNT, status=status)))
    records = Records()
    outcome = _ask(make_authenticator(current, _ROTATED, records), 1, "203.0.113.9")
    assert isinstance(outcome, Denied)
    assert outcome.reason == reason
    # For who asks later why; the client is told neither.
    assert (outcome.account_id, outcome.key_id) == (ACCOUNT.id, key.id)
    await records.flush()
    assert (records.used, records.proposed) == ({}, {})


async def test_a_key_that_is_let_in_is_noted_as_used() -> None:
    """From one of its networks."""
    key = replace(_MADE_AFTER, networks=(IPv4Network("192.0.2.0/24"),))
    records = Records()
    authenticator = make_authenticator(make_current(make_directory(key)), _ROTATED, records)
    assert _found(_ask(authenticator, 2, "192.0.2.9")) == key
    await records.flush()
    assert records.used == {key.id: NOW}


async def test_a_wrapped_key_is_proposed_once() -> None:
    """With its digest under the newest pepper alone, and the proof that it was seen."""
    records = Records()
    current = make_current(make_directory(_WRAPPED, _MADE_BEFORE, _MADE_AFTER))
    authenticator = make_authenticator(current, _ROTATED, records)
    for _ in range(3):
        for number in range(3):
            _ask(authenticator, number)
            await records.rehashes.flush()
    assert records.statements == 1
    [rehash] = records.proposed.values()
    assert (rehash.key_id, rehash.stored) == (_WRAPPED.id, _WRAPPED.digest)
    assert _ROTATED.wrap(rehash.inner, _NEW) == _WRAPPED.digest
    assert rehash.pepper_id == _NEW
    assert rehash.digest == _ROTATED.digest_key(key_text(1), (_NEW,))


async def test_a_key_that_is_not_wrapped_under_the_newest_pepper_is_not_proposed() -> None:
    """It will be wrapped once more, and the proposal would fit no longer."""
    newer = Peppers.parse(f"{'5e' * 32}\n{'10' * 32}\n{'11' * 32}")
    records = Records()
    authenticator = make_authenticator(make_current(make_directory(_WRAPPED)), newer, records)
    assert _found(_ask(authenticator, 1)) == _WRAPPED
    await records.flush()
    assert records.proposed == {}


async def test_proposals_that_wait_are_bounded() -> None:
    """The next one waits for its key's next use."""
    records = Records()
    known = know(_ROTATED)
    rehasher = Rehasher(known, records.rehashes, waiting_max=1)
    keys = [_key(number, _OLD, _NEW) for number in range(2)]
    for _ in range(2):
        for number, key in enumerate(keys):
            rehasher.propose(key, KeyDigests(key_text(number), _ROTATED), NOW)
        await records.flush()
    assert set(records.proposed) == {key.id for key in keys}


@pytest.mark.parametrize("later", [timedelta(minutes=1), -timedelta(minutes=1)])
async def test_a_key_that_stays_wrapped_is_proposed_again(later: timedelta) -> None:
    """The proposal may have been lost; also where the clock was set back meanwhile."""
    records = Records()
    authenticator = make_authenticator(make_current(make_directory(_WRAPPED)), _ROTATED, records)
    _ask(authenticator, 1)
    await records.rehashes.flush()
    records.proposed.clear()
    authenticator.authenticate(f"Bearer {key_text(1)}", "192.0.2.1", NOW + later)
    await records.rehashes.flush()
    assert set(records.proposed) == {_WRAPPED.id}


async def test_keys_that_do_not_exist_want_nothing_from_a_database() -> None:
    """However many are tried, with however right a checksum."""
    records = Records()
    current = make_current(make_directory(_MADE_BEFORE, _WRAPPED))
    authenticator = make_authenticator(current, _ROTATED, records)
    for _ in range(1000):
        outcome = authenticator.authenticate(f"Bearer {mint_key(randbelow)}", "192.0.2.1", NOW)
        assert _reason(outcome) == (Reason.UNKNOWN_KEY, 401)
    await records.flush()
    assert records.statements == 0
