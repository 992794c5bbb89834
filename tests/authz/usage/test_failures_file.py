"""The file of failures is read whole, in pieces, across restarts, and stays small."""

import os
from pathlib import Path

import pytest

from authz.domain.usage.failure import Failure
from authz.domain.usage.position import Position
from authz.storage.failures_file import FailuresFile

_START = Position(0, 0)


def _line(number: int, flags: str = "-") -> str:
    return f'{{"flags":"{flags}","request_id":"req_{number}","sent_bytes":{number},"status":503}}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "failures.jsonl"


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def _read_all(file: FailuresFile, position: Position) -> tuple[list[str], Position]:
    """Return the ids of all failures after a position, and the position after them."""
    found: list[str] = []
    while (new := file.read(position)) is not None:
        found += [each.request_id for each in new.found]
        position = new.position
    return found, position


def test_a_line_says_how_a_request_ended(path: Path) -> None:
    """As Envoy writes it."""
    _append(path, _line(0) + _line(7, "URX,UF"))
    new = FailuresFile(path).read(_START)
    assert new is not None
    assert list(new.found) == [
        Failure("req_0", 503, frozenset(), was_sent=False),
        Failure("req_7", 503, frozenset({"URX", "UF"}), was_sent=True),
    ]


def test_each_line_is_read_once_also_by_the_next_process(path: Path) -> None:
    """From the position that is given, over many pieces."""
    file = FailuresFile(path)
    assert file.read(_START) is None
    _append(path, "".join(map(_line, range(1000))))
    first, position = _read_all(file, _START)
    assert first == [f"req_{number}" for number in range(1000)]
    _append(path, _line(1000))
    assert _read_all(FailuresFile(path), position)[0] == ["req_1000"]


def test_a_line_that_is_torn_waits_for_its_end(path: Path) -> None:
    """At whatever byte it is torn."""
    whole = _line(5)
    for cut in range(1, len(whole)):
        path.unlink(missing_ok=True)
        file = FailuresFile(path)
        _append(path, _line(1) + whole[:cut])
        found, position = _read_all(file, _START)
        assert found == ["req_1"]
        _append(path, whole[cut:] + _line(6))
        assert _read_all(file, position)[0] == ["req_5", "req_6"]


@pytest.mark.parametrize(
    "line",
    [
        *("", "x", "[]", "7", "null", '{"request_id":"req_1"', '{"flags":"-"}'),
        '{"flags":"-","request_id":null,"sent_bytes":0,"status":503}',
        '{"flags":"-","request_id":7,"sent_bytes":0,"status":503}',
        '{"flags":"-","request_id":"req_1","sent_bytes":"x","status":503}',
        "x" * 100_000,
    ],
)
def test_what_is_no_line_of_envoys_is_passed_over(path: Path, line: str) -> None:
    """A full disk may have cut one; the next is read."""
    _append(path, f"{line}\n{_line(2)}")
    assert _read_all(FailuresFile(path), _START)[0] == ["req_2"]


def test_a_client_that_left_has_no_status(path: Path) -> None:
    """Envoy writes none, or zero."""
    for status in ("null", "0"):
        _append(path, f'{{"flags":"DC","request_id":"a","sent_bytes":null,"status":{status}}}\n')
    new = FailuresFile(path).read(_START)
    assert new is not None
    assert list(new.found) == [Failure("a", 0, frozenset({"DC"}), was_sent=False)] * 2


def test_a_file_whose_place_is_taken_is_read_to_its_end_first(path: Path) -> None:
    """Envoy goes on with the old one until it is told of the new one; a torn end is given up."""
    file = FailuresFile(path)
    _append(path, _line(1))
    _, position = _read_all(file, _START)
    _append(path, _line(2))
    with path.open("a") as old:
        path.rename(path.with_name("rotated"))
        old.write(_line(3) + "torn")
    _append(path, _line(4))
    assert _read_all(file, position)[0] == ["req_2", "req_3", "req_4"]


def test_a_file_that_was_replaced_meanwhile_is_read_from_its_start(path: Path) -> None:
    """The position is of another file."""
    _append(path, _line(1) * 10)
    _, position = _read_all(FailuresFile(path), _START)
    path.rename(path.with_name("kept"))  # so that its number is not used again
    _append(path, _line(2))
    assert _read_all(FailuresFile(path), position)[0] == ["req_2"]


def test_a_file_that_was_cut_is_read_from_its_start(path: Path) -> None:
    """There is less than was read."""
    file = FailuresFile(path)
    _append(path, _line(1) * 10)
    _, position = _read_all(file, _START)
    os.truncate(path, 0)
    _append(path, _line(2))
    assert _read_all(file, position)[0] == ["req_2"]


def test_a_new_journal_begins_at_the_end(path: Path) -> None:
    """What failed before it has nothing in it."""
    assert FailuresFile(path).end() == _START
    _append(path, _line(1))
    position = FailuresFile(path).end()
    _append(path, _line(2))
    assert _read_all(FailuresFile(path), position)[0] == ["req_2"]


def test_what_lies_far_behind_is_given_back_to_the_disk(path: Path) -> None:
    """While Envoy holds the file open; nobody who is further ahead reads another line."""
    file = FailuresFile(path, kept_bytes=2**20)
    with path.open("ab", buffering=0) as envoy:
        envoy.write(_line(1).encode() * 200_000)
        position = _read_all(file, _START)[1]
        before = path.stat().st_blocks
        file.release(position)
        assert path.stat().st_blocks * 512 < 2**20 + 8192 < before * 512
        envoy.write(_line(2).encode())
    assert _read_all(file, position)[0] == ["req_2"]
    behind, _ = _read_all(FailuresFile(path), _START)
    assert behind[-1] == "req_2"
    assert 2**20 / len(_line(1)) - 2 < len(behind) < 2**20 / len(_line(1)) + 200
