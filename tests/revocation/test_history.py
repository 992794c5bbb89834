"""The rule by which the race is judged."""

from tests.revocation.history import AccountHistory, KeyHistory


def _key() -> KeyHistory:
    return KeyHistory("id", "text", AccountHistory())


def test_a_key_that_nothing_ended_must_work() -> None:
    """No live key is refused."""
    assert _key().may_answer(1, 2) == {200}


def test_a_check_during_a_revocation_may_go_either_way() -> None:
    """It overlaps the change."""
    key = _key()
    key.end(began=10, known=20)
    assert key.may_answer(9, 9.5) == {200}
    assert key.may_answer(9, 11) == {200, 401}
    assert key.may_answer(19, 25) == {200, 401}


def test_a_check_after_the_acknowledgement_must_be_refused() -> None:
    """No revoked key is accepted."""
    key = _key()
    key.end(began=10, known=20)
    assert key.may_answer(20, 21) == {401}


def test_a_suspension_is_seen_from_its_acknowledgement_to_its_end() -> None:
    """The account's state is as strict as the key's."""
    key = _key()
    key.account.change(10, 20, suspended=True)
    key.account.change(30, 40, suspended=False)
    assert key.may_answer(1, 2) == {200}
    assert key.may_answer(11, 12) == {200, 403}
    assert key.may_answer(21, 22) == {403}
    assert key.may_answer(31, 32) == {200, 403}
    assert key.may_answer(41, 42) == {200}


def test_a_revoked_key_of_a_suspended_account_is_revoked() -> None:
    """The error tells nothing of an account whose key is dead."""
    key = _key()
    key.account.change(10, 20, suspended=True)
    key.end(began=10, known=20)
    assert key.may_answer(21, 22) == {401}
