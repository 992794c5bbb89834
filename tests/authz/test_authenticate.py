"""Whose request it is."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz.domain.directory import AccountStatus, Holder, Key, KeyStatus
from authz.domain.pepper import Pepper
from authz.domain.verdict import Denied, Reason
from authz.service.authenticate import authenticate
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
    return authenticate(authorization, make_current(directory), pepper, now)


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
def test_a_malformed_key_is_refused_without_a_look_up(pepper: Pepper, key: str) -> None:
    """Even where nothing could be looked up."""
    outcome = authenticate(f"Bearer {key}", make_current(), pepper, NOW)
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
