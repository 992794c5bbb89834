"""One process in a place, proven."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from authz.storage.place_lock import PlaceTakenError, take_place

_HOLD = """
import sys, pathlib
from authz.storage.place_lock import take_place
take_place(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def _hold(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """Also while the first is frozen: it may go on at any moment."""
    path = tmp_path / "authz.sock"
    first = _hold(path)
    try:
        first.send_signal(signal.SIGSTOP)
        with pytest.raises(PlaceTakenError, match=str(path)):
            take_place(path)
    finally:
        first.kill()
        first.wait(20)


def test_a_place_is_free_when_its_process_has_ended(tmp_path: Path) -> None:
    """However it ended."""
    path = tmp_path / "authz.sock"
    first = _hold(path)
    first.kill()
    first.wait(20)
    os.close(take_place(path))


def test_two_places_are_two(tmp_path: Path) -> None:
    """Side by side in one folder."""
    held = [take_place(tmp_path / name) for name in ("one.sock", "other.sock")]
    for descriptor in held:
        os.close(descriptor)
