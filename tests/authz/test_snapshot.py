"""The last good directory on the local disk."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.directory import (
    Account,
    AccountId,
    AccountStatus,
    BadDirectoryError,
    Delta,
    Enforcement,
    Key,
    KeyId,
    KeyStatus,
)
from authz.domain.packed_directory import Directory
from authz.domain.pepper import Pepper, Peppers
from authz.domain.snapshot import NEVER, Snapshot
from authz.storage.sealed_log import SealedLog
from authz.storage.snapshot_file import SnapshotFile
from tests.authz.doubles import ACCOUNT, NOW, TIER, contents, key_text, make_directory, make_key

_PEPPER: Final = Pepper.parse("5e" * 32)
_BOOT: Final = UUID(int=1)


def _peppers(*secrets: str) -> Callable[[], Peppers]:
    peppers = Peppers.parse("\n".join(secret * 32 for secret in secrets))
    return lambda: peppers


def _file(path: Path, *secrets: str, boot: UUID = _BOOT, keys_max: int = 100) -> SnapshotFile:
    return SnapshotFile(path, _peppers(*secrets or ("5e",)), boot, keys_max)


def _key(number: int = 0) -> Key:
    return replace(make_key(_PEPPER, key_text(number), NOW), id=KeyId(UUID(int=number)))


def _snapshot(directory: Directory, heard_at: float = 1000.5) -> Snapshot:
    return Snapshot(directory, heard_at, heard_at + 300)


def _change(directory: Directory, *keys: Key) -> Directory:
    return directory.apply(Delta(directory.number + 1, {}, {}, {key.id: key for key in keys}))


def _assert_reads(path: Path, snapshot: Snapshot) -> None:
    read = _file(path).read()
    assert read is not None
    assert contents(read.directory) == contents(snapshot.directory)
    assert read.directory.packed.uses == snapshot.directory.packed.uses
    assert (read.heard_at, read.fresh_until) == (snapshot.heard_at, snapshot.fresh_until)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Field by field."""
    limited = replace(_key(2), requests_per_minute=7, tokens_per_minute=10**11)
    shadow = replace(TIER, enforcement=Enforcement.SHADOW)
    directory = make_directory(_key(0), _key(1), limited, number=9, tier=shadow)
    assert directory.key(limited.id) == limited
    snapshot = _snapshot(directory)
    _file(tmp_path / "snapshot").write(snapshot)
    _assert_reads(tmp_path / "snapshot", snapshot)


def test_what_changed_is_added(tmp_path: Path) -> None:
    """At the cost of the change, not of the whole, and by whichever process."""
    path = tmp_path / "snapshot"
    directory = make_directory(*(_key(number) for number in range(50)))
    file = _file(path)
    file.write(_snapshot(directory))
    size = path.stat().st_size
    for number in (3, 4):
        directory = _change(directory, replace(_key(number), status=KeyStatus.REVOKED))
        file.write(_snapshot(directory, 2000.0 + number))
        _assert_reads(path, _snapshot(directory, 2000.0 + number))
    assert path.stat().st_size < size + 3000
    other = _file(path)
    read = other.read()
    assert read is not None
    directory = _change(read.directory, _key(60))
    other.write(_snapshot(directory, 3000.0))
    _assert_reads(path, _snapshot(directory, 3000.0))


def test_a_confirmation_costs_no_space(tmp_path: Path) -> None:
    """It comes every few seconds, for years."""
    path, directory = tmp_path / "snapshot", make_directory(_key())
    file = _file(path)
    file.write(_snapshot(directory))
    before = path.stat().st_size
    for second in range(20):
        file.write(_snapshot(directory, 2000.0 + second))
    assert path.stat().st_size - before < 20 * 500
    _assert_reads(path, _snapshot(directory, 2019.0))


_ACCOUNTS: Final = [AccountId(uuid4()) for _ in range(3)]


@st.composite
def _deltas(draw: st.DrawFn) -> Delta:
    accounts = [
        Account(id_, draw(st.sampled_from(("a", "b"))), "standard", AccountStatus.ACTIVE)
        for id_ in draw(st.sets(st.sampled_from(_ACCOUNTS)))
    ]
    keys = [
        replace(
            _key(number),
            status=draw(st.sampled_from(KeyStatus)),
            requests_per_minute=draw(st.sampled_from((None, 1, 2))),
            tokens_per_minute=draw(st.sampled_from((None, 1))),
        )
        for number in draw(st.sets(st.integers(0, 5)))
    ]
    gone = draw(st.sets(st.integers(0, 5)))
    return Delta(
        0,
        {
            "standard": replace(
                TIER,
                items_max=draw(st.integers(1, 3)),
                enforcement=draw(st.sampled_from(Enforcement)),
            )
        },
        {account.id: account for account in accounts},
        {
            **{key.id: key for key in keys},
            **{KeyId(UUID(int=number)): None for number in gone},
        },
    )


@given(st.lists(st.tuples(_deltas(), st.booleans()), max_size=8))
def test_any_states_one_after_another_are_read_as_the_last(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Delta, bool]]
) -> None:
    """Whether the same process writes on, or another that read what is there."""
    path = tmp_path_factory.mktemp("states") / "snapshot"
    directory, file = make_directory(), _file(path)
    file.write(_snapshot(directory))
    for delta, starts_anew in steps:
        if starts_anew:
            file = _file(path)
            read = file.read()
            assert read is not None
            directory = read.directory
        directory = directory.apply(replace(delta, number=directory.number + 1))
        file.write(_snapshot(directory))
        _assert_reads(path, _snapshot(directory))


def test_a_state_of_another_origin_replaces_the_file(tmp_path: Path) -> None:
    """Everything was read anew, so nothing of what was written can be built on."""
    path, file = tmp_path / "snapshot", _file(tmp_path / "snapshot")
    file.write(_snapshot(make_directory(_key(0), _key(1), number=5)))
    snapshot = _snapshot(make_directory(_key(1), number=6))
    file.write(snapshot)
    _assert_reads(path, snapshot)
    assert [each.name for each in tmp_path.iterdir()] == ["snapshot"]


def test_a_log_that_grew_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In as much space as its state needs, and goes on from there."""
    monkeypatch.setattr("authz.storage.snapshot_file._SMALL_BYTES", 2**12)
    path, file = tmp_path / "snapshot", _file(tmp_path / "snapshot")
    directory = make_directory(*(_key(number) for number in range(50)))
    file.write(_snapshot(directory))
    for number in range(40):
        directory = _change(directory, replace(_key(number), status=KeyStatus.REVOKED))
        file.write(_snapshot(directory))
        grown = path.stat().st_size
        file.compact()
        assert path.stat().st_size <= grown
    assert path.stat().st_size < 2 * 10_000 + 2**12
    directory = _change(directory, _key(60))
    file.write(_snapshot(directory))
    _assert_reads(path, _snapshot(directory))
    assert [each.name for each in tmp_path.iterdir()] == ["snapshot"]


def test_a_state_written_during_compaction_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new log gets what the old one was given meanwhile."""
    monkeypatch.setattr("authz.storage.snapshot_file._SMALL_BYTES", 0)
    path, file = tmp_path / "snapshot", _file(tmp_path / "snapshot")
    directory = make_directory(_key(0))
    file.write(_snapshot(directory))
    later = directory
    for number in range(1, 20):
        later = _change(later, _key(number))
        file.write(_snapshot(later))
    last = _snapshot(_change(later, _key(30)), 5000.0)
    create = SealedLog.create

    def interrupt(at: Path, peppers: Callable[[], Peppers]) -> SealedLog:
        file.write(last)
        return create(at, peppers)

    monkeypatch.setattr(SealedLog, "create", interrupt)
    file.compact()
    _assert_reads(path, last)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Digests are nobody else's business; and nothing unfinished stays behind."""
    _file(tmp_path / "snapshot").write(_snapshot(make_directory(_key())))
    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_snapshot(tmp_path: Path) -> None:
    """The first start of all."""
    assert _file(tmp_path / "snapshot").read() is None


def test_a_withdrawn_snapshot_only_saves_reading(tmp_path: Path) -> None:
    """The state is there, and lets nobody in."""
    path, directory = tmp_path / "snapshot", make_directory(_key())
    file = _file(path)
    file.write(_snapshot(directory))
    file.withdraw()
    _assert_reads(path, Snapshot(directory, NEVER, NEVER))
    file.write(_snapshot(directory))
    _assert_reads(path, _snapshot(directory))


def test_a_snapshot_that_cannot_be_read_is_removed_when_withdrawn(tmp_path: Path) -> None:
    """It may turn readable again, by a pepper that comes back."""
    path = tmp_path / "snapshot"
    _file(path).write(_snapshot(make_directory(_key())))
    other = _file(path, "10")
    with pytest.raises(BadDirectoryError):
        other.read()
    other.withdraw()
    assert not path.exists()


def test_withdrawing_nothing_is_done(tmp_path: Path) -> None:
    """As good as anything."""
    _file(tmp_path / "absent" / "snapshot").withdraw()


def test_another_start_of_the_machine_makes_it_as_old_as_can_be(tmp_path: Path) -> None:
    """Its times count from that start; and the disk may have lost what was told since."""
    path, directory = tmp_path / "snapshot", make_directory(_key())
    _file(path).write(_snapshot(directory))
    read = _file(path, boot=UUID(int=2)).read()
    assert read is not None
    assert (read.heard_at, read.fresh_until) == (NEVER, NEVER)
    assert contents(read.directory) == contents(directory)


def test_another_peppers_file_is_refused(tmp_path: Path) -> None:
    """Its digests would fit no key."""
    _file(tmp_path / "snapshot").write(_snapshot(make_directory(_key())))
    with pytest.raises(BadDirectoryError):
        _file(tmp_path / "snapshot", "10").read()


def test_a_file_sealed_before_a_rotation_is_read(tmp_path: Path) -> None:
    """The old pepper is still known."""
    _file(tmp_path / "snapshot").write(_snapshot(make_directory(_key())))
    assert _file(tmp_path / "snapshot", "5e", "10").read() is not None


def test_a_key_under_an_unknown_pepper_is_refused(tmp_path: Path) -> None:
    """Nobody would find it, and a good key would be a 401."""
    stray = replace(_key(), peppers=Peppers.parse("10" * 32).ids)
    _file(tmp_path / "snapshot").write(_snapshot(make_directory(stray)))
    with pytest.raises(BadDirectoryError, match="pepper"):
        _file(tmp_path / "snapshot").read()
    revoked = replace(stray, status=KeyStatus.REVOKED)
    _file(tmp_path / "snapshot").write(_snapshot(make_directory(revoked)))
    assert _file(tmp_path / "snapshot").read() is not None


def test_far_too_many_keys_are_refused(tmp_path: Path) -> None:
    """Whatever sealed them."""
    _file(tmp_path / "snapshot").write(_snapshot(make_directory(_key(0), _key(1))))
    with pytest.raises(BadDirectoryError, match="more than 1"):
        _file(tmp_path / "snapshot", keys_max=1).read()


@pytest.mark.parametrize(
    "record", [(1, b"{}"), (1, b"[]"), (1, b""), (99, b"x"), (2, b"{"), (4, b"\0"), (3, b"")]
)
def test_another_releases_file_is_refused(tmp_path: Path, record: tuple[int, bytes]) -> None:
    """A right seal does not make it readable."""
    path = tmp_path / "snapshot"
    log = SealedLog.create(path, _peppers("5e"))
    log.write([record], bytes(32))
    log.close()
    with pytest.raises(BadDirectoryError):
        _file(path).read()


def test_a_log_of_an_earlier_release_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have gone on after limits were set that it knew nothing of; the next one is kept."""
    path, snapshot = tmp_path / "snapshot", _snapshot(make_directory(_key()))
    with monkeypatch.context() as earlier:
        earlier.setattr("authz.storage.sealed_log._MAGIC", b"tessera keys 1")
        _file(path).write(snapshot)
    file = _file(path)
    with pytest.raises(BadDirectoryError, match="another release"):
        file.read()
    file.write(snapshot)
    _assert_reads(path, snapshot)


@given(data=st.data())
def test_a_damaged_file_is_never_half_believed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut anywhere, or any bit flipped: the last state, or the one before as old as can be."""
    path = tmp_path_factory.mktemp("damaged") / "snapshot"
    file = _file(path)
    first = _snapshot(make_directory(_key(0)))
    last = _snapshot(_change(first.directory, _key(1), replace(_key(0), status=KeyStatus.REVOKED)))
    file.write(first)
    file.write(last)
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = bytes([content[at] ^ 1 << data.draw(st.integers(0, 7))])
    is_whole = data.draw(st.booleans())
    path.write_bytes(content[:at] + (flipped + content[at + 1 :] if is_whole else b""))
    try:
        read = _file(path).read()
    except BadDirectoryError:
        return
    assert read is not None
    if contents(read.directory) != contents(last.directory):
        assert contents(read.directory) == contents(first.directory)
        assert read.heard_at == NEVER  # since then this process told that the key is refused


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """And what was there can still be withdrawn."""
    path, directory = Path("/dev/full"), make_directory(_key())
    link = tmp_path / "snapshot.new"
    link.symlink_to(path)
    with pytest.raises(OSError, match="No space"):
        _file(tmp_path / "snapshot").write(_snapshot(directory))
    assert list(tmp_path.iterdir()) == []


def test_accounts_without_keys_are_kept(tmp_path: Path) -> None:
    """Their first key may be the next change."""
    path, empty = tmp_path / "snapshot", make_directory()
    file = _file(path)
    file.write(_snapshot(empty))
    renamed = empty.apply(Delta(2, {}, {ACCOUNT.id: replace(ACCOUNT, name="other")}, {}))
    file.write(_snapshot(renamed))
    _assert_reads(path, _snapshot(renamed))
