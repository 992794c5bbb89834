"""Logs: bounded on the disk, and no line lost for it."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from stack.layout import locate, prepare
from stack.log_reader import LogReader
from stack.log_writer import LogWriter, predecessor
from stack.spawn import spawn
from tests.stack.programs import python
from tests.waiting import wait_until

_COUNT: Final = "for number in range({}): print(f'{{number:06}}', flush=True)"
_COUNT_BYTES_MAX: Final = 30_000
"""Of 7 bytes a line, so 5,000 lines fill one log and part of the next."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a log is to be."""
    return tmp_path / "part.log"


def open_writer(log: Path, bytes_max: int) -> LogWriter:
    """Return a writer with a descriptor of its own."""
    return LogWriter(log, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), bytes_max)


def test_a_full_log_is_kept_and_a_new_one_begun(log: Path) -> None:
    """The line that fills a file is its last, and none is torn."""
    open_writer(log, 10).write(b"one\ntwo\nthree\nfour\n")
    assert predecessor(log).read_bytes() == b"one\ntwo\nthree\n"
    assert log.read_bytes() == b"four\n"


def test_a_line_that_comes_in_pieces_stays_whole(log: Path) -> None:
    """A file goes beyond its bound by what its last line needs."""
    writer = open_writer(log, 10)
    for piece in (b"first and", b" only", b" line\nsec", b"ond\n"):
        writer.write(piece)
    assert predecessor(log).read_bytes() == b"first and only line\n"
    assert log.read_bytes() == b"second\n"


def test_a_line_without_an_end_is_bounded_too(log: Path) -> None:
    """Whoever writes no lines at all fills no disk either."""
    writer = open_writer(log, 1000)
    for _ in range(500):
        writer.write(b"x" * 1000)
    assert log.stat().st_size + predecessor(log).stat().st_size < 200_000


def test_only_one_full_log_is_kept(log: Path) -> None:
    """Two files of the bound, and no more, however much is written."""
    writer = open_writer(log, 1000)
    for number in range(2000):
        writer.write(b"%09d\n" % number)
    assert sorted(each.name for each in log.parent.iterdir()) == ["part.log", "part.log.1"]
    assert predecessor(log).read_bytes().splitlines()[-1] == b"%09d" % 1999


def test_a_log_that_cannot_be_replaced_goes_on(log: Path) -> None:
    """Rather too long than lost."""
    predecessor(log).mkdir()
    (predecessor(log) / "in-the-way").touch()
    open_writer(log, 10).write(b"one\ntwo\nthree\nfour\n")
    assert log.read_bytes() == b"one\ntwo\nthree\nfour\n"


def test_a_log_that_was_removed_is_begun_anew(log: Path) -> None:
    """Tidying up by hand costs what would still have gone into that file, and no more."""
    writer = open_writer(log, 10)
    log.unlink()
    writer.write(b"one\ntwo\nthree\nfour\n")
    assert log.read_bytes() == b"four\n"


def test_a_reader_goes_on_in_the_new_file(log: Path) -> None:
    """What was added to the old file after the last look is read first."""
    writer = open_writer(log, 10)
    with closing(LogReader(log)) as reader:
        writer.write(b"one\n")
        assert reader.read() == b"one\n"
        assert reader.read() == b""
        writer.write(b"two\nthree\nfour\n")
        assert [reader.read() for _ in range(3)] == [b"two\nthree\n", b"four\n", b""]


def test_nothing_that_a_program_writes_is_lost(log: Path) -> None:
    """Not when its log is turned over, nor when it ends right after."""
    spawned = spawn(python(_COUNT.format(5000)), log, log_bytes_max=_COUNT_BYTES_MAX)
    spawned.wait(timeout_seconds=20)
    written = (predecessor(log).read_text() + log.read_text()).split()
    assert [int(line) for line in written] == list(range(5000))
    assert predecessor(log).stat().st_size == _COUNT_BYTES_MAX + 7 - _COUNT_BYTES_MAX % 7


def test_a_program_started_again_goes_on_in_the_same_bound(log: Path) -> None:
    """A crash loop fills no disk."""
    for _ in range(3):
        spawned = spawn(python(_COUNT.format(100)), log, log_bytes_max=1000)
        spawned.wait(timeout_seconds=20)
    assert log.stat().st_size < 1000
    assert predecessor(log).stat().st_size < 1007


def test_a_program_that_closes_its_output_goes_on(log: Path) -> None:
    """It is waited for, and its exit code comes back."""
    source = "import os, sys, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(7)"
    assert spawn(python(source), log).wait(timeout_seconds=10) == 7


def test_the_command_follows_a_log_into_its_successor(tmp_path: Path) -> None:
    """`tessera logs --follow` shows every line, though the log is turned over meanwhile."""
    layout = locate(tmp_path)
    prepare(layout)
    log, gate = layout.log("part"), tmp_path / "gate"
    os.mkfifo(gate)
    source = f"print('start', flush=True); open({str(gate)!r}).read()\n{_COUNT.format(5000)}"
    spawned = spawn(python(source), log, log_bytes_max=_COUNT_BYTES_MAX)
    wait_until(lambda: log.read_text() == "start\n")
    shown = tmp_path / "shown"
    argv = (sys.executable, "-m", "cli", "logs", "part", "--follow", "--state", str(tmp_path))
    with shown.open("wb") as output, subprocess.Popen(argv, stdout=output) as command:
        try:
            wait_until(lambda: shown.read_text() == "start\n")
            gate.write_text("go")
            wait_until(lambda: shown.read_text().endswith("004999\n"))
        finally:
            command.kill()
    spawned.wait(timeout_seconds=10)
    assert predecessor(log).exists()
    assert [int(line) for line in shown.read_text().split()[1:]] == list(range(5000))
