"""The state folder: private, writable, and never too deep for a socket."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from stack import secrets
from stack.errors import StackError
from stack.layout import locate, prepare


def test_state_folder_is_private(tmp_path: Path) -> None:
    """Keys, the pepper and the sockets are for their owner alone."""
    layout = locate(tmp_path / "state")
    prepare(layout)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (layout.state, layout.run)] == [
        0o700
    ] * 2


def test_sockets_of_a_deep_state_folder_are_elsewhere(tmp_path: Path) -> None:
    """The kernel allows 107 bytes for a socket's path, whatever the state folder's depth."""
    layout = locate(tmp_path / ("deep" * 30))
    assert layout.run.parent == Path(tempfile.gettempdir())
    assert len(os.fsencode(layout.socket("authz-64.metrics"))) <= 107


def test_sockets_of_two_deep_state_folders_are_apart(tmp_path: Path) -> None:
    """Stacks side by side never share a socket."""
    assert locate(tmp_path / ("a" * 120)).run != locate(tmp_path / ("b" * 120)).run


def test_folder_for_sockets_that_another_user_could_enter_is_refused(tmp_path: Path) -> None:
    """A folder in /tmp may have been put there by someone else."""
    layout = locate(tmp_path / "state")
    layout.run.mkdir(parents=True)
    layout.run.chmod(0o777)
    with pytest.raises(StackError, match="is open to others"):
        prepare(layout)


def test_state_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """The sentence says which path is wrong."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StackError, match=r"The state folder .*state cannot be used"):
        prepare(locate(tmp_path / "state"))


def test_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    """A slip like `--state ~` neither closes a home to others nor fills it."""
    (tmp_path / "thesis.tex").write_text("")
    before = tmp_path.stat().st_mode
    with pytest.raises(StackError, match="is no state folder, and not empty"):
        prepare(locate(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert tmp_path.stat().st_mode == before


def test_start_that_was_cut_short_is_no_obstacle(tmp_path: Path) -> None:
    """Folders alone, without a lock, are what an earlier start had made."""
    layout = locate(tmp_path / "state")
    prepare(layout)
    prepare(layout)
    assert layout.run.is_dir()


def test_lost_pepper_is_not_replaced_while_there_are_keys(tmp_path: Path) -> None:
    """A new one would make every stored key unknown; the sentence says what can be done."""
    layout = locate(tmp_path / "state")
    prepare(layout)
    layout.database.mkdir()
    with pytest.raises(StackError, match="put it back, or remove both"):
        secrets.make_pepper(layout)
    assert not layout.pepper.exists()


def test_pepper_is_made_once_and_private(tmp_path: Path) -> None:
    """With another pepper no stored key would be known any more."""
    layout = locate(tmp_path / "state")
    prepare(layout)
    secrets.make_pepper(layout)
    first = layout.pepper.read_text()
    secrets.make_pepper(layout)
    assert layout.pepper.read_text() == first
    assert len(bytes.fromhex(first)) == 32
    assert stat.S_IMODE(layout.pepper.stat().st_mode) == 0o600


def test_exports_are_private_and_hold_what_clients_read(tmp_path: Path) -> None:
    """`. .tessera/env` makes the official SDKs call this stack, and nobody else can read it."""
    layout = locate(tmp_path / "state")
    prepare(layout)
    layout.key.write_text("sk-tessera-made-up\n")
    secrets.write_exports(layout, "http://127.0.0.1:8080/v1")
    assert layout.env.read_text().splitlines() == [
        "export TESSERA_API_KEY='sk-tessera-made-up'",
        "export OPENAI_API_KEY='sk-tessera-made-up'",
        "export OPENAI_BASE_URL='http://127.0.0.1:8080/v1'",
    ]
    assert stat.S_IMODE(layout.env.stat().st_mode) == 0o600
