"""The last good directory on the local disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.directory import BadDirectoryError
from authz.domain.pepper import Pepper
from authz.domain.snapshot import Snapshot
from authz.service.current_directory import CurrentDirectory
from authz.service.keep_snapshot import SnapshotKeeper
from authz.storage.snapshot_file import SnapshotFile
from tests.authz.doubles import ManualClock, key_text, make_directory, make_key

_EXPIRY = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def snapshot(pepper: Pepper) -> Snapshot:
    """A directory with two keys, one that expires."""
    keys = make_key(pepper, key_text()), make_key(pepper, key_text(1), expires_at=_EXPIRY)
    return Snapshot(make_directory(*keys, number=9), heard_at=1_700_000_000.5)


def test_what_was_written_is_read(tmp_path: Path, pepper: Pepper, snapshot: Snapshot) -> None:
    """Field by field."""
    file = SnapshotFile(tmp_path / "snapshot", pepper)
    file.write(snapshot)
    assert file.read() == snapshot


def test_only_its_owner_can_read_it(tmp_path: Path, pepper: Pepper, snapshot: Snapshot) -> None:
    """Digests are nobody else's business; and nothing unfinished stays behind."""
    SnapshotFile(tmp_path / "snapshot", pepper).write(snapshot)
    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_snapshot(tmp_path: Path, pepper: Pepper) -> None:
    """The first start of all."""
    assert SnapshotFile(tmp_path / "snapshot", pepper).read() is None


@given(data=st.data())
def test_a_damaged_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut anywhere, or any bit flipped: nothing of it is believed."""
    pepper = Pepper.parse("5e" * 32)
    path = tmp_path_factory.mktemp("damaged") / "snapshot"
    file = SnapshotFile(path, pepper)
    file.write(Snapshot(make_directory(make_key(pepper, key_text())), 1.0))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = bytes([content[at] ^ 1 << data.draw(st.integers(0, 7))])
    whole = data.draw(st.booleans())
    path.write_bytes(content[:at] + (flipped + content[at + 1 :] if whole else b""))
    try:
        read = file.read()
    except BadDirectoryError:
        return
    # The seal is hexadecimal, in which two letters' cases differ by a bit.
    assert read is not None
    assert path.read_bytes().lower() == content


def test_another_peppers_file_is_refused(
    tmp_path: Path, pepper: Pepper, snapshot: Snapshot
) -> None:
    """Its digests would fit no key."""
    SnapshotFile(tmp_path / "snapshot", pepper).write(snapshot)
    with pytest.raises(BadDirectoryError):
        SnapshotFile(tmp_path / "snapshot", Pepper.parse("10" * 32)).read()


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"heard_at": 1.0, "number": 1}'])
def test_another_releases_file_is_refused(tmp_path: Path, pepper: Pepper, content: bytes) -> None:
    """A right seal does not make it readable."""
    path = tmp_path / "snapshot"
    path.write_bytes(pepper.seal(content).hex().encode() + b"\n" + content)
    with pytest.raises(BadDirectoryError):
        SnapshotFile(path, pepper).read()


class _Keeping:
    """A keeper with both of its clocks."""

    def __init__(self, path: Path, pepper: Pepper) -> None:
        self.steady = ManualClock()
        self.unix = ManualClock(1_700_000_000.0)
        self.file = SnapshotFile(path, pepper)
        self.current = CurrentDirectory(300, self.steady)
        self.keeper = SnapshotKeeper(self.file, self.current, 10, self.unix)


def test_a_restored_directory_is_as_old_as_its_file(
    tmp_path: Path, pepper: Pepper, snapshot: Snapshot
) -> None:
    """A restart buys no time for a key that may be revoked."""
    keeping = _Keeping(tmp_path / "snapshot", pepper)
    keeping.file.write(snapshot)
    keeping.unix.now = snapshot.heard_at + 200
    keeping.keeper.restore()
    assert keeping.current.directory == snapshot.directory
    assert keeping.current.age_seconds == 200


def test_a_file_that_is_too_old_lets_nobody_in(
    tmp_path: Path, pepper: Pepper, snapshot: Snapshot
) -> None:
    """It still saves reading everything anew."""
    keeping = _Keeping(tmp_path / "snapshot", pepper)
    keeping.file.write(snapshot)
    keeping.unix.now = snapshot.heard_at + 301
    keeping.keeper.restore()
    assert not keeping.current.is_fresh


def test_a_file_from_the_future_is_refused(
    tmp_path: Path, pepper: Pepper, snapshot: Snapshot
) -> None:
    """By a clock that was set back, nobody knows how old it is."""
    keeping = _Keeping(tmp_path / "snapshot", pepper)
    keeping.file.write(snapshot)
    keeping.unix.now = snapshot.heard_at - 1
    keeping.keeper.restore()
    assert keeping.current.directory is None


def test_a_damaged_file_is_no_reason_not_to_start(tmp_path: Path, pepper: Pepper) -> None:
    """It is reported, and PostgreSQL will tell."""
    (tmp_path / "snapshot").write_bytes(b"\x00")
    keeping = _Keeping(tmp_path / "snapshot", pepper)
    keeping.keeper.restore()
    assert keeping.current.directory is None


def test_the_file_says_when_the_directory_was_confirmed(tmp_path: Path, pepper: Pepper) -> None:
    """Not when it was written."""
    keeping = _Keeping(tmp_path / "snapshot", pepper)
    keeping.current.confirm(make_directory())
    keeping.steady.now += 40
    keeping.unix.now += 40
    keeping.keeper.write()
    read = keeping.file.read()
    assert read is not None
    assert read.heard_at == keeping.unix.now - 40


def test_a_full_disk_stops_nothing(tmp_path: Path, pepper: Pepper) -> None:
    """Checks go on from memory."""
    keeping = _Keeping(tmp_path / "absent" / "snapshot", pepper)
    keeping.current.confirm(make_directory())
    keeping.keeper.write()
    assert keeping.current.is_fresh
