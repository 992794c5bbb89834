"""Digests of big files: right, and read once."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inference.checkpoint.digests import Digests
from inference.progress import Advance


class _Counting:
    """Counts the bytes that are said to be read."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int | None]] = []
        self.bytes = 0

    @contextmanager
    def step(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """Note the step."""
        self.steps.append((what, total))

        def advance(amount: int) -> None:
            self.bytes += amount

        yield advance


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of more than one block."""
    path = tmp_path / "weights"
    path.write_bytes(os.urandom(9 * 2**20))
    return path


def test_a_digest_is_the_files(file: Path) -> None:
    """And whoever waits sees every byte of it."""
    progress = _Counting()
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    assert Digests().of(file, progress) == expected
    assert (progress.steps, progress.bytes) == ([("reading weights", 9 * 2**20)], 9 * 2**20)


def test_a_later_run_reads_nothing_again(file: Path, tmp_path: Path) -> None:
    """Not even under another name of the same file."""
    kept = tmp_path / "cache" / "digests.json"
    first = Digests(kept).of(file, _Counting())
    link = tmp_path / "link"
    link.symlink_to(file)
    progress = _Counting()
    assert Digests(kept).of(link, progress) == first
    assert progress.steps == []


def test_a_file_that_changed_is_read_again(file: Path, tmp_path: Path) -> None:
    """By size, by time, or replaced by another of the same size and time."""
    digests = Digests(tmp_path / "digests.json")
    before = digests.of(file, _Counting())
    stat = file.stat()
    other = tmp_path / "other"
    other.write_bytes(os.urandom(stat.st_size))
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(file)
    assert digests.of(file, _Counting()) == hashlib.sha256(file.read_bytes()).hexdigest() != before


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"/x": [1]}'])
def test_a_damaged_memory_is_forgotten(file: Path, tmp_path: Path, content: bytes) -> None:
    """It costs time, and nothing else."""
    kept = tmp_path / "digests.json"
    kept.write_bytes(content)
    assert Digests(kept).of(file, _Counting()) == hashlib.sha256(file.read_bytes()).hexdigest()
