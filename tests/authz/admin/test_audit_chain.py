"""How the audit's entries hang together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.audit import AuditEntry
from authz.domain.administration.audit_chain import (
    START,
    Ending,
    Fault,
    Head,
    SealedHead,
    find_fault,
    follow,
    hash_entry,
)
from authz.domain.pepper import Peppers
from tests.authz.admin.conftest import FIRST_PEPPER, SECOND_PEPPER

_PEPPERS = Peppers.parse(FIRST_PEPPER)
_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

ENTRY = AuditEntry(
    number=1,
    at=_NOW,
    actor="ada",
    role="owner",
    address="192.0.2.7",
    method="IssueKey",
    subject_kind="key",
    subject="some id",
    request_id=UUID(int=1),
    request_digest=bytes(32),
    before=None,
    after="{}",
    hash=b"",
)


def _chain(length: int) -> list[AuditEntry]:
    entries, previous = [], START.hash
    for number in range(1, length + 1):
        entry = replace(ENTRY, number=number, request_id=UUID(int=number))
        entries.append(replace(entry, hash=hash_entry(previous, entry)))
        previous = entries[-1].hash
    return entries


def _head(entries: list[AuditEntry]) -> Head:
    return Head(entries[-1].number, entries[-1].hash)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", _NOW + timedelta(microseconds=1)),
        ("actor", "eve"),
        ("role", "support"),
        ("address", "192.0.2.8"),
        ("method", "RevokeKey"),
        ("subject_kind", "tier"),
        ("subject", "other id"),
        ("request_id", UUID(int=9)),
        ("request_digest", bytes(31) + b"\1"),
        ("before", ""),
        ("after", None),
        ("hash", bytes(32)),
    ],
)
def test_every_column_is_hashed(column: str, value: Any) -> None:  # noqa: ANN401 one of each type
    """Whichever is altered, it shows, by the entry's number."""
    entries = _chain(3)
    entries[1] = replace(entries[1], **{column: value})
    assert follow(START, entries) == Fault("Entry 2 is not what was written, or not where.", 2)


_TEXTS = st.text(max_size=4)


@given(st.lists(_TEXTS, min_size=3, max_size=3), st.lists(_TEXTS, min_size=3, max_size=3))
def test_no_two_entries_are_hashed_alike(one: list[str], other: list[str]) -> None:
    """Text that moves from one column to the next is not the same text."""

    def hash_of(texts: list[str]) -> bytes:
        return hash_entry(
            START.hash, replace(ENTRY, actor=texts[0], role=texts[1], address=texts[2])
        )

    assert (hash_of(one) == hash_of(other)) == (one == other)


def test_nothing_is_not_empty() -> None:
    """An absent text and an empty one are hashed differently."""
    absent, empty = replace(ENTRY, after=None), replace(ENTRY, after="")
    assert hash_entry(START.hash, absent) != hash_entry(START.hash, empty)


def test_a_whole_chain_leads_to_its_end() -> None:
    """In one go or in parts."""
    entries = _chain(5)
    head = follow(START, entries[:2])
    assert isinstance(head, Head)
    assert follow(head, entries[2:]) == follow(START, entries) == _head(entries)


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ([2, 3], Fault("Entry 1 is missing.", 1)),
        ([1, 3], Fault("Entry 2 is missing.", 2)),
        ([1, 1, 2], Fault("Entry 1 was slipped in.", 1)),
        ([2, 1], Fault("Entry 1 is missing.", 1)),
    ],
)
def test_a_gap_and_a_doublet_show(order: list[int], fault: Fault) -> None:
    """By the number where they are."""
    entries = _chain(3)
    assert follow(START, [entries[number - 1] for number in order]) == fault


def test_two_entries_that_changed_places_show() -> None:
    """Though each took the other's number."""
    entries = _chain(3)
    swapped = [replace(entries[1], number=1), replace(entries[0], number=2)]
    assert isinstance(follow(START, swapped), Fault)


def _ending(length: int = 3, **parts: Any) -> Ending:  # noqa: ANN401 any field of it
    head = _head(_chain(length))
    whole = Ending(SealedHead.make(head, _PEPPERS, _PEPPERS.newest.id), head, None, None)
    return replace(whole, **parts)


def test_a_sealed_end_is_right() -> None:
    """And so is one of nothing."""
    assert find_fault(_ending(), _PEPPERS) is None
    assert find_fault(Ending(None, START, None, None), _PEPPERS) is None


def test_an_end_that_is_remembered_is_right() -> None:
    """Or one that went on from there."""
    head, earlier = _head(_chain(3)), _head(_chain(2))
    for seen in (head, earlier):
        assert (
            find_fault(_ending(remembered=seen, hash_where_remembered=seen.hash), _PEPPERS) is None
        )


def test_an_end_without_a_seal_of_ours_is_wrong() -> None:
    """Whether the seal is gone, another's, or under a pepper that is not known."""
    sealed = _ending().sealed
    assert sealed is not None
    forged = replace(sealed, seal=bytes(32))
    assert find_fault(_ending(sealed=None), _PEPPERS) is not None
    assert find_fault(_ending(sealed=forged), _PEPPERS) is not None
    fault = find_fault(_ending(), Peppers.parse(SECOND_PEPPER))
    assert fault is not None
    assert _PEPPERS.newest.id in fault.sentence


@pytest.mark.parametrize(("sealed", "last", "number"), [(3, 2, 3), (2, 3, 3)])
def test_an_end_must_be_where_it_was_sealed(sealed: int, last: int, number: int) -> None:
    """Entries were removed after it, or added."""
    ending = replace(_ending(sealed), last=_head(_chain(last)))
    fault = find_fault(ending, _PEPPERS)
    assert fault is not None
    assert fault.number == number


def test_an_end_of_the_same_number_must_be_the_same() -> None:
    """All that was hashed anew ends in another hash."""
    assert find_fault(_ending(last=Head(3, bytes(32))), _PEPPERS) is not None


def test_an_older_end_is_told_from_the_one_that_was_seen() -> None:
    """Though all in it is right: a database put back, or a tail cut off with its seal."""
    fault = find_fault(_ending(3, remembered=_head(_chain(5))), _PEPPERS)
    assert fault is not None
    assert "put back to an older state" in fault.sentence


def test_a_history_that_went_another_way_is_told_from_the_one_that_was_seen() -> None:
    """A database that was put back and went on."""
    other = Head(2, bytes(32))
    fault = find_fault(
        _ending(3, remembered=other, hash_where_remembered=_chain(2)[-1].hash), _PEPPERS
    )
    assert fault is not None
    assert fault.number == 2


def test_a_seal_cannot_be_guessed_and_is_not_shown() -> None:
    """Not even in a log."""
    sealed = SealedHead.make(START, _PEPPERS, _PEPPERS.newest.id)
    assert sealed.seal.hex() not in repr(sealed)
    assert repr(sealed.seal) not in repr(sealed)
