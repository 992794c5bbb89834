"""Charges on the local disk: each is counted once, whatever happens between."""

import shutil
import sqlite3
from pathlib import Path
from uuid import UUID

import pytest

from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.charge import MINUTE
from authz.domain.usage.position import Position
from authz.domain.usage.refund import Refund
from authz.domain.usage.tally import Tally
from authz.storage.usage_journal import Ages, pack_request_id
from tests.authz.usage.making import ALICE, BOB, BOOT, Kept

_SOMEWHERE = Position(1, 100)


_OURS = "req_" + "61" * 16
_IDS = ["", "req_", _OURS, "a" * 16, _OURS.upper(), _OURS + "61", _OURS + " ", "61" * 16, "é"]


def _refund(kept: Kept, request_id: str, position: Position = _SOMEWHERE) -> None:
    charges = kept.journal.find(request_id)
    refunds = [Refund(each, is_model_failure=True, to_lease=False) for each in charges[:1]]
    kept.journal.refund(refunds, position)


def test_charges_are_added_up_by_minute_and_user(kept: Kept) -> None:
    """Each once, in the minute in which it was written."""
    for user, tokens in ((ALICE, 1), (BOB, 2), (ALICE, 3)):
        kept.charge(user, tokens)
    kept.fold()
    kept.clock.now += MINUTE
    kept.charge(ALICE, 4)
    kept.fold()
    minute = kept.clock.now // MINUTE
    found = {(each.minute, each.user): each.tally for each in kept.counters.unsent(10)}
    assert found == {
        (minute - 1, ALICE): Tally(2, 4),
        (minute - 1, BOB): Tally(1, 2),
        (minute, ALICE): Tally(1, 4),
    }


def test_a_restart_changes_nothing(kept: Kept) -> None:
    """Neither what is folded nor what is not, and what follows is added to it."""
    kept.charge()
    kept.fold()
    kept.charge()
    kept.restart()
    kept.charge()
    kept.restart()
    assert kept.totals() == {ALICE: Tally(3, 30)}


def test_each_start_counts_under_a_name_of_its_own(kept: Kept, tmp_path: Path) -> None:
    """Two that start from copies of one file both count: neither hides behind the other."""
    kept.charge()
    kept.fold()
    kept.file.close()
    shutil.copy(kept.path, tmp_path / "copy")
    kept.restart()
    copy = Kept(tmp_path / "copy")
    kept.charge()
    copy.charge()
    kept.fold()
    copy.fold()
    told = {
        (each.minute, each.writer): each.tally.requests
        for one in (kept, copy)
        for each in one.counters.unsent(10)
    }
    assert sum(told.values()) == 3
    copy.file.close()


def test_a_charge_is_refunded_once(kept: Kept) -> None:
    """However often its failure is reported, also after a restart."""
    request_id = kept.charge(tokens=7)
    kept.charge(tokens=5)
    kept.fold()
    for _ in range(2):
        _refund(kept, request_id)
        _refund(kept, request_id)
        kept.restart()
    assert kept.totals() == {ALICE: Tally(2, 12, 1, 1, 7, 7)}


def test_a_refund_and_how_far_failures_were_read_are_one(kept: Kept) -> None:
    """Whoever goes on from the position has refunded all before it."""
    assert kept.journal.read_position() is None
    request_id = kept.charge()
    kept.fold()
    _refund(kept, request_id, Position(5, 17))
    kept.restart()
    assert kept.journal.read_position() == Position(5, 17)


def test_of_two_requests_with_one_id_each_failure_refunds_one(kept: Kept) -> None:
    """An id that repeats is nobody's gain."""
    for _ in range(2):
        kept.journal.write("twice", ALICE, 3, is_leased=True)
    kept.fold()
    _refund(kept, "twice")
    assert kept.totals() == {ALICE: Tally(2, 6, 1, 1, 3, 3)}
    assert len(kept.journal.find("twice")) == 1


def test_a_charge_is_not_refunded_after_ten_minutes(kept: Kept) -> None:
    """Until then it is kept, and what is counted stays."""
    request_id = kept.charge()
    kept.fold()
    kept.clock.now += Ages().refundable
    kept.journal.forget(100)
    assert kept.journal.find(request_id)
    kept.clock.now += 1
    kept.journal.forget(100)
    assert not kept.journal.find(request_id)
    assert kept.totals() == {ALICE: Tally(1, 10)}


def test_a_clock_that_was_set_back_keeps_nothing_for_long(kept: Kept) -> None:
    """A charge of the future would else stay until the future."""
    request_id = kept.charge()
    kept.fold()
    kept.clock.now -= 3600 * 10**6
    kept.journal.forget(100)
    assert not kept.journal.find(request_id)


def test_counters_are_kept_until_they_are_confirmed_and_two_days_old(kept: Kept) -> None:
    """What nobody has confirmed is kept for ever; what changed since it was read is told again."""
    kept.charge()
    kept.fold()
    kept.clock.now += 100 * Ages().counters
    kept.journal.forget(100)
    (read,) = kept.counters.unsent(10)
    kept.counters.note_answer([read], [])
    assert kept.counters.unsent(10) == []
    kept.clock.now = read.minute * MINUTE + Ages().counters
    kept.journal.forget(100)
    assert len(kept.counters.after(-1, 0, 10)) == 1
    kept.clock.now += MINUTE
    kept.journal.forget(100)
    assert kept.counters.after(-1, 0, 10) == []


def test_a_counter_that_changed_since_it_was_read_is_told_again(kept: Kept) -> None:
    """An answer confirms what was asked, and no more."""
    kept.charge()
    kept.fold()
    read = kept.counters.unsent(10)
    kept.charge()
    kept.fold()
    kept.counters.note_answer(read, [])
    assert [each.tally for each in kept.counters.unsent(10)] == [Tally(2, 20)]


def test_what_waits_is_known_with_its_age(kept: Kept) -> None:
    """From a charge that is not folded to a counter that is refused."""
    assert kept.journal.pending().since is None
    kept.charge()
    pending = kept.journal.pending()
    assert (pending.rows, pending.since) == (1, kept.clock.now)
    kept.fold()
    pending = kept.journal.pending()
    assert (pending.rows, pending.since) == (1, kept.clock.now // MINUTE * MINUTE)
    kept.counters.note_answer([], kept.counters.unsent(10))
    pending = kept.journal.pending()
    assert (pending.rows, pending.refused, pending.since) == (0, 1, None)


def test_a_lost_machine_leaves_no_charge_in_doubt(kept: Kept) -> None:
    """Pages of different moments may be there: totals are known or newer, charges may be twice."""
    request_id = kept.charge(tokens=1)
    kept.fold()
    kept.charge(tokens=2)
    kept.restart(boot=UUID(int=8))
    assert kept.totals() == {ALICE: Tally(1, 1)}
    assert not kept.journal.find(request_id)
    kept.charge(tokens=4)
    kept.restart(boot=UUID(int=8))
    assert kept.totals() == {ALICE: Tally(2, 5)}


def test_users_that_nothing_refers_to_are_forgotten_at_the_next_start(kept: Kept) -> None:
    """Else each restart would leave a row for every key."""
    kept.charge(ALICE)
    kept.fold()
    kept.charge(BOB)
    for _ in range(3):
        kept.restart()
    kept.fold()
    kept.counters.note_answer(kept.counters.unsent(10), [])
    kept.clock.now += Ages().counters + MINUTE
    kept.journal.forget(100)
    kept.restart()
    assert kept.file.connection.execute("SELECT count(*) FROM slots").fetchone() == (0,)


def test_a_second_process_cannot_write_to_the_same_file(kept: Kept) -> None:
    """Even where nothing else kept it from starting; and the first one goes on."""
    other = Kept(kept.path)
    with pytest.raises(UsageUnavailableError):
        other.charge()
    assert other.file.put_aside == 0
    kept.charge()
    assert kept.totals() == {ALICE: Tally(1, 10)}


@pytest.mark.parametrize("request_id", _IDS)
def test_ids_stay_apart(request_id: str) -> None:
    """However they are written; ours takes half of its length."""
    same = [other for other in _IDS if pack_request_id(other) == pack_request_id(request_id)]
    assert same == [request_id]


def test_only_the_owner_can_read_it(kept: Kept) -> None:
    """It tells who uses what."""
    kept.charge()
    for file in kept.path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_nothing_waits_for_a_disk(kept: Kept) -> None:
    """The kernel has it, and that is enough for the end of a process."""
    (synchronous,) = kept.file.connection.execute("PRAGMA synchronous").fetchone()
    (mode,) = kept.file.connection.execute("PRAGMA journal_mode").fetchone()
    assert (synchronous, mode) == (0, "wal")


def test_what_is_written_while_a_request_waits_has_no_index(kept: Kept) -> None:
    """It would cost as much again."""
    plan = kept.file.connection.execute("PRAGMA index_list(charges)").fetchall()
    assert plan == []
    find = "EXPLAIN QUERY PLAN SELECT number FROM refundable WHERE request = x''"
    (row,) = kept.file.connection.execute(find).fetchall()
    assert "refundable_request" in row[-1]


def test_the_boot_is_of_the_machine_alone(kept: Kept) -> None:
    """The same start of the same machine keeps all."""
    kept.charge()
    kept.restart(BOOT)
    assert kept.totals() == {ALICE: Tally(1, 10)}
    assert sqlite3.sqlite_version_info >= (3, 35)  # RETURNING
