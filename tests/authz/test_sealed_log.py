"""A file under one seal: what of it is believed after a crash, a cut or a change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.directory import BadDirectoryError
from authz.domain.pepper import Peppers
from authz.storage.sealed_log import FACTS_BYTES, Record, SealedLog

_OLD, _NEW, _FOREIGN = "5e" * 32, "6f" * 32, "70" * 32
_PEPPERS = Peppers.parse(f"{_OLD}\n{_NEW}")
_FIRST: list[Record] = [(1, b"one"), (2, b""), (3, b"three" * 50)]
_SECOND: list[Record] = [(1, b"two"), (9, b"nine")]


def _facts(number: int) -> bytes:
    return bytes([number]) * FACTS_BYTES


def _peppers(text: str) -> Callable[[], Peppers]:
    peppers = Peppers.parse(text)
    return lambda: peppers


def _write(path: Path, *batches: list[Record], peppers: Callable[[], Peppers]) -> None:
    log = SealedLog.create(path, peppers)
    for number, batch in enumerate(batches):
        log.write(batch, _facts(number))
    log.close()


def _read(path: Path, peppers: Callable[[], Peppers]) -> list[tuple[bytes, list[Record]]]:
    """Return the facts and records of every state that is believed, the newest first."""
    log = SealedLog.open(path, peppers)
    believed = []
    for header in log.headers():
        try:
            believed.append((header.facts, list(log.read(header))))
        except BadDirectoryError:
            continue
    log.close()
    return believed


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """All of it, and the state before, which is the beginning of it."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    _write(path, _FIRST, _SECOND, peppers=peppers)
    assert _read(path, peppers) == [(_facts(1), _FIRST + _SECOND), (_facts(0), _FIRST)]


def test_a_log_goes_on_after_it_was_read(tmp_path: Path) -> None:
    """Another process adds to it, over what was never finished."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    _write(path, _FIRST, peppers=peppers)
    with path.open("ab") as file:
        file.write(b"unfinished")
    log = SealedLog.open(path, peppers)
    assert list(log.read(log.headers()[0])) == _FIRST
    log.write(_SECOND, _facts(7))
    assert _read(path, peppers)[0] == (_facts(7), _FIRST + _SECOND)


def test_facts_alone_can_be_renewed(tmp_path: Path) -> None:
    """Again and again, in the same space."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    _write(path, _FIRST, peppers=peppers)
    size = path.stat().st_size
    log = SealedLog.open(path, peppers)
    list(log.read(log.headers()[0]))
    for number in range(5):
        log.write((), _facts(number))
        assert _read(path, peppers)[0] == (_facts(number), _FIRST)
    assert path.stat().st_size == size


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Digests are nobody else's business."""
    path = tmp_path / "log"
    _write(path, _FIRST, peppers=_peppers(_OLD))
    assert path.stat().st_mode & 0o777 == 0o600


def test_any_known_pepper_may_have_sealed_it(tmp_path: Path) -> None:
    """Peppers are rotated while the file lives on."""
    path = tmp_path / "log"
    _write(path, _FIRST, peppers=_peppers(_OLD))
    log = SealedLog.open(path, _peppers(f"{_OLD}\n{_NEW}"))
    list(log.read(log.headers()[0]))
    log.write(_SECOND, _facts(1))
    log.close()
    assert _read(path, _peppers(_NEW)) == [(_facts(1), _FIRST + _SECOND)]
    assert _read(path, _peppers(_FOREIGN)) == []


@pytest.mark.parametrize("size", [0, 1, 100, 511, 512, 1023])
def test_a_file_without_a_header_is_nothing(tmp_path: Path, size: int) -> None:
    """Cut, or never finished, or something else."""
    path = tmp_path / "log"
    path.write_bytes(os.urandom(size))
    assert _read(path, _peppers(_OLD)) == []


def test_a_crash_at_any_byte_leaves_the_state_before_or_after(tmp_path: Path) -> None:
    """Records first, then the header: the one that counted is never written over."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    _write(path, _FIRST, peppers=peppers)
    before = path.read_bytes()
    _write(path, _FIRST, _SECOND, peppers=peppers)
    after = path.read_bytes()
    header = after[512:1024].rstrip(b"\0")
    states = ([(_facts(0), _FIRST)], [(_facts(1), _FIRST + _SECOND), (_facts(0), _FIRST)])
    for cut in range(len(before), len(after) + 1):
        path.write_bytes(after[:512] + before[512:1024] + after[1024:cut])
        assert _read(path, peppers) == states[0]
    for cut in range(len(header) + 1):
        path.write_bytes(after[: 512 + cut] + bytes(512 - cut) + after[1024:])
        assert _read(path, peppers) == states[cut == len(header)]


@given(data=st.data())
def test_no_change_of_a_byte_is_believed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Every state that is read is one that was written."""
    path, peppers = tmp_path_factory.mktemp("changed") / "log", _peppers(_OLD)
    _write(path, _FIRST, _SECOND, peppers=peppers)
    content = bytearray(path.read_bytes())
    written = _read(path, peppers)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert all(state in written for state in _read(path, peppers))


def test_records_in_another_order_are_refused(tmp_path: Path) -> None:
    """Each would be whole by itself."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    _write(path, [(1, b"aaaa"), (1, b"bbbb")], peppers=peppers)
    content = path.read_bytes()
    path.write_bytes(content[:1024] + content[1033:] + content[1024:1033])
    assert _read(path, peppers) == []


def test_another_files_records_are_refused(tmp_path: Path) -> None:
    """Even under the same pepper, and of the same length."""
    peppers = _peppers(_OLD)
    _write(tmp_path / "one", [(1, b"aaaa")], peppers=peppers)
    _write(tmp_path / "other", [(1, b"bbbb")], peppers=peppers)
    mixed = (tmp_path / "one").read_bytes()[:1024] + (tmp_path / "other").read_bytes()[1024:]
    (tmp_path / "mixed").write_bytes(mixed)
    assert _read(tmp_path / "mixed", peppers) == []


def test_a_write_that_failed_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    """What was there before counts, and the next write goes over what is left."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    log = SealedLog.create(path, peppers)
    log.write(_FIRST, _facts(0))

    def break_off() -> list[Record]:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        log.write((record for record in (*_SECOND, *break_off())), _facts(1))
    log.write(_SECOND, _facts(2))
    assert _read(path, peppers) == [(_facts(2), _FIRST + _SECOND), (_facts(0), _FIRST)]


def test_long_records_are_read_in_blocks(tmp_path: Path) -> None:
    """Some longer than a block, some across two."""
    path, peppers = tmp_path / "log", _peppers(_OLD)
    records: list[Record] = [(kind, os.urandom(700_000 + kind)) for kind in range(5)]
    records.append((9, os.urandom(3 * 2**20)))
    _write(path, records, peppers=peppers)
    assert _read(path, peppers) == [(_facts(0), records)]
