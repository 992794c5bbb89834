"""A journal that is damaged or full: no wrong total, no lost charge, no end of the process."""

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.charge import User
from authz.domain.usage.tally import NOTHING, Tally
from tests.authz.usage.making import ALICE, BOB, SMALL, FakeTable, Kept

_FLIPS = 150


def _fill(kept: Kept) -> None:
    for number in range(40):
        kept.charge((ALICE, BOB)[number % 2], 1 + number)
        if number == 30:
            kept.fold()


@pytest.mark.parametrize("content", [b"", b"x" * 10_000, b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_journal_is_put_aside(tmp_path: Path, content: bytes) -> None:
    """An empty file is a journal; any other is renamed, and a new one begins at once."""
    path = tmp_path / "usage"
    path.write_bytes(content)
    kept = Kept(path)
    kept.charge()
    assert kept.totals() == {ALICE: Tally(1, 10)}
    assert kept.file.put_aside == bool(content)
    aside = [file for file in tmp_path.iterdir() if ".damaged-" in file.name]
    assert [file.read_bytes() for file in aside] == [content] * bool(content)
    kept.restart()
    assert (kept.file.put_aside, kept.totals()) == (0, {ALICE: Tally(1, 10)})


def test_a_journal_of_another_release_is_put_aside(kept: Kept) -> None:
    """Nobody guesses what its rows mean."""
    kept.file.connection.execute("PRAGMA user_version = 99")
    kept.restart()
    assert kept.file.put_aside == 1
    kept.charge()


def test_of_files_that_were_put_aside_a_few_are_kept(tmp_path: Path) -> None:
    """A disk that damages each of them is not filled with them."""
    for _ in range(6):
        (tmp_path / "usage").write_bytes(b"x" * 10_000)
        Kept(tmp_path / "usage").file.close()
    aside = [file for file in tmp_path.iterdir() if ".damaged-" in file.name]
    assert len(aside) == 3


def test_no_flipped_bit_makes_a_wrong_total(tmp_path: Path) -> None:
    """Wherever it is: what is told is right, or the file is put aside. Over many places."""
    path = tmp_path / "usage"
    kept = Kept(path)
    _fill(kept)
    right = sorted((each.minute, each.user.key_id, each.tally) for each in kept.counters.unsent(9))
    kept.file.close()
    whole = path.read_bytes()
    draw, put_aside = random.Random(7), 0  # noqa: S311 no secret
    for _ in range(_FLIPS):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        put_aside += _is_right_or_put_aside(path, right)
    assert 0 < put_aside < _FLIPS


def _is_right_or_put_aside(path: Path, right: Sequence[tuple[object, ...]]) -> bool:
    kept = Kept(path)
    try:
        told = kept.counters.unsent(9)
        kept.fold()
    except UsageUnavailableError:
        told = []
    if not kept.file.put_aside:
        found = sorted((each.minute, each.user.key_id, each.tally) for each in told)
        assert found == right
        assert kept.totals() == _expected()
    kept.charge(ALICE, 3)
    assert kept.totals()[ALICE].tokens >= 3
    kept.file.close()
    return bool(kept.file.put_aside)


def _expected() -> dict[User, Tally]:
    sums = {ALICE: NOTHING, BOB: NOTHING}
    for number in range(40):
        user = (ALICE, BOB)[number % 2]
        sums[user] += Tally(1, 1 + number)
    return sums


def test_a_row_that_turns_out_to_be_damaged_is_noticed_while_it_runs(kept: Kept) -> None:
    """The charge after it is written to a new file."""
    kept.charge()
    kept.file.connection.execute("UPDATE charges SET tokens = tokens + 1")
    with pytest.raises(UsageUnavailableError):
        kept.journal.fold(10)
    assert kept.file.put_aside == 1
    kept.charge(tokens=4)
    assert kept.totals() == {ALICE: Tally(1, 4)}


async def test_what_is_counted_after_damage_does_not_look_told_already(kept: Kept) -> None:
    """In the same minute by the same user: PostgreSQL keeps the larger of two totals."""
    table = FakeTable()
    for _ in range(3):
        kept.charge()
    kept.fold()
    await table.merge(kept.counters.unsent(10))
    kept.file.connection.execute("UPDATE counters SET tokens = tokens + 1")
    with pytest.raises(UsageUnavailableError):
        kept.counters.unsent(10)
    kept.charge(tokens=4)
    kept.fold()
    await table.merge(kept.counters.unsent(10))
    assert table.totals() == {ALICE: Tally(4, 34)}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE counters SET tokens = tokens + 1",
        "UPDATE counters SET minute = minute + 1",
        "UPDATE slots SET account_id = x'00000000000000000000000000000009'",
        "DELETE FROM slots",
    ],
)
def test_a_damaged_counter_is_never_told(kept: Kept, damage: str) -> None:
    """Neither a wrong number, nor a right one of somebody else."""
    kept.charge()
    kept.fold()
    kept.file.connection.execute(damage)
    with pytest.raises(UsageUnavailableError):
        kept.counters.unsent(10)
    assert kept.file.put_aside == 1


def test_a_full_journal_refuses_before_it_has_to(tmp_path: Path) -> None:
    """What it took is there; emptied, it takes more."""
    kept = Kept(tmp_path / "usage", bytes_max=SMALL)
    taken = _charge_until_refused(kept)
    kept.fold()
    assert kept.totals() == {ALICE: Tally(taken, 10 * taken)}
    kept.clock.now += 3600 * 10**6
    while kept.journal.forget(500):
        pass
    kept.file.tend()
    kept.charge()
    assert kept.totals() == {ALICE: Tally(taken + 1, 10 * taken + 10)}


def _charge_until_refused(kept: Kept, tend_every: int = 100) -> int:
    for taken in range(10**6):
        if taken % tend_every == tend_every - 1:
            kept.file.tend()
        try:
            kept.charge()
        except UsageUnavailableError:
            return taken
    raise AssertionError("it never refused")


def test_a_file_that_sqlite_finds_full_loses_nothing(tmp_path: Path) -> None:
    """Where nobody looked in time: each charge is written, or refused."""
    kept = Kept(tmp_path / "usage", bytes_max=SMALL)
    taken = _charge_until_refused(kept, tend_every=10**6)
    kept.restart()
    assert kept.file.put_aside == 0
    (rows,) = kept.file.connection.execute("SELECT count(*) FROM charges").fetchone()
    assert rows == taken


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, timeout=10).returncode != 0:
        pytest.skip("only root can make a small disk")
    yield folder
    subprocess.run(["/bin/umount", "--lazy", str(folder)], check=False, timeout=10)


def test_a_full_disk_loses_nothing_and_is_survived(small_disk: Path) -> None:
    """503 while it is full; when somebody makes room it goes on by itself."""
    other = small_disk / "other"
    other.write_bytes(bytes(300_000))
    kept = Kept(small_disk / "usage")
    taken = _charge_until_refused(kept, tend_every=10**6)
    with pytest.raises(UsageUnavailableError):
        kept.charge()
    other.unlink()
    kept.file.tend()
    kept.charge()
    kept.restart()
    assert kept.file.put_aside == 0
    assert kept.totals() == {ALICE: Tally(taken + 1, 10 * taken + 10)}
    kept.file.close()


def test_a_disk_that_is_nearly_full_refuses_too(tmp_path: Path) -> None:
    """The last of it is for what empties the journal."""
    kept = Kept(tmp_path / "usage")
    kept.file._free_bytes_min = 2**60
    kept.file.tend()
    with pytest.raises(UsageUnavailableError):
        kept.charge()
    kept.file._free_bytes_min = 0
    kept.file.tend()
    kept.charge()


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """No crash: checks are refused until the journal can be written."""
    kept = Kept(tmp_path / "later" / "usage")
    with pytest.raises(UsageUnavailableError):
        kept.charge()
    (tmp_path / "later").mkdir()
    kept.file.tend()
    kept.charge()
    assert kept.totals() == {ALICE: Tally(1, 10)}
