"""What compiling takes, and what there is."""

from pathlib import Path

import pytest

from inference.tensorrt.compiler import CompileError
from inference.tensorrt.room import Room

_GB = 10**9


def test_an_8b_model_takes_what_was_extrapolated() -> None:
    """15.1 GB of weights: about 24 GB of memory, and a plan of their size."""
    needed = Room.needed(15_134_000_000)
    assert 24 * _GB < needed.memory < 26 * _GB
    assert 15.2 * _GB < needed.disk < 16.5 * _GB


def test_enough_is_enough() -> None:
    """To the byte."""
    Room(memory=5, disk=7).require(Room(memory=5, disk=7))


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (Room(8 * _GB, 30 * _GB), "takes about 24.0 GB of memory, of which 8.0 GB are free$"),
        (Room(30 * _GB, 2 * _GB), "takes about 16.0 GB of disk, of which 2.0 GB are free$"),
        (Room(8 * _GB, 2 * _GB), "of memory, of which 8.0 GB are free and about 16.0 GB of disk"),
    ],
    ids=["memory", "disk", "both"],
)
def test_what_is_short_is_named(free: Room, told: str) -> None:
    """Each with both figures."""
    with pytest.raises(CompileError, match=told):
        free.require(Room(24 * _GB, 16 * _GB))


def test_what_is_here_is_measured(tmp_path: Path) -> None:
    """Of this machine, or of its container."""
    here = Room.here(tmp_path)
    assert here.memory > 0
    assert here.disk > 0
