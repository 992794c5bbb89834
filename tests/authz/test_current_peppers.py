"""A pepper file that changes under a process."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from authz.domain.pepper import BadPepperError, Pepper
from authz.service.current_peppers import CurrentPeppers
from authz.storage.pepper_file import PepperFile

_OLD, _NEW = "0f" * 32, "10" * 32
_OLD_ID, _NEW_ID = (Pepper.parse(text).id for text in (_OLD, _NEW))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one pepper."""
    path = tmp_path / "pepper"
    path.write_text(_OLD)
    return path


@pytest.fixture
def current(path: Path) -> CurrentPeppers:
    """What a process knows of it."""
    return CurrentPeppers(PepperFile(path), interval_seconds=3600)


def test_a_new_pepper_is_known_without_a_restart(path: Path, current: CurrentPeppers) -> None:
    """As soon as the file is looked at again."""
    path.write_text(f"{_OLD}\n{_NEW}\n")
    current.refresh()
    assert current.peppers.ids == (_OLD_ID, _NEW_ID)
    assert current.peppers.newest.id == _NEW_ID


def test_a_secret_that_kubernetes_replaces_is_seen(tmp_path: Path) -> None:
    """It swaps a symlink to a folder, and the file's own path never changes."""
    for name, text in (("one", _OLD), ("two", f"{_OLD}\n{_NEW}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pepper").write_text(text)
        os.utime(tmp_path / name / "pepper", (1_000_000, 1_000_000))
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "pepper").symlink_to("..data/pepper")
    current = CurrentPeppers(PepperFile(tmp_path / "pepper"), interval_seconds=3600)
    (tmp_path / "..data_tmp").symlink_to("two")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    current.refresh()
    assert current.peppers.newest.id == _NEW_ID


@pytest.mark.parametrize("content", [b"", b"not a pepper", b"\xff\xfe", f"{_OLD}\n{_OLD}".encode()])
def test_a_broken_file_changes_nothing_and_is_logged_once(
    path: Path, current: CurrentPeppers, content: bytes
) -> None:
    """Until it is mended, which is seen too."""
    path.write_bytes(content)
    with capture_logs() as logs:
        for _ in range(3):
            current.refresh()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("peppers.refused", "error")
    ]
    assert current.peppers.ids == (_OLD_ID,)
    path.write_text(f"{_OLD}\n{_NEW}")
    current.refresh()
    assert current.peppers.newest.id == _NEW_ID


def test_a_file_that_is_gone_for_a_moment_changes_nothing(
    path: Path, current: CurrentPeppers
) -> None:
    """One log line, and the next file is read."""
    path.unlink()
    with capture_logs() as logs:
        current.refresh()
        current.refresh()
    assert [entry["event"] for entry in logs] == ["peppers.refused"]
    assert current.peppers.newest.id == _OLD_ID
    path.write_text(_NEW)
    current.refresh()
    assert current.peppers.newest.id == _NEW_ID


def test_a_pepper_that_left_the_file_is_known_until_the_end(
    path: Path, current: CurrentPeppers
) -> None:
    """Keys may need it still, and only a restart would find that out."""
    path.write_text(_NEW)
    current.refresh()
    assert current.peppers.ids == (_OLD_ID, _NEW_ID)
    assert current.peppers.newest.id == _NEW_ID


def test_nothing_of_a_file_is_logged(path: Path, current: CurrentPeppers) -> None:
    """Neither of a good one nor of a bad one."""
    with capture_logs() as logs:
        for text in (f"{_OLD}\n{_NEW}", f"{_OLD}\n{_NEW[:-1]}"):
            path.write_text(text)
            current.refresh()
    assert len(logs) == 2
    assert _NEW[:-1] not in str(logs)


def test_a_process_does_not_start_from_a_broken_file(path: Path) -> None:
    """The sentence names the file and the line."""
    path.write_text(f"{_OLD}\nx")
    with pytest.raises(BadPepperError, match=f"^{path}: line 2: A pepper must be 32 bytes"):
        CurrentPeppers(PepperFile(path), interval_seconds=3600)
