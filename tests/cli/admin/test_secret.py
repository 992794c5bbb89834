"""A new key's text is told to one place, once."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from proto.tessera.admin.v1.keys_pb2 import IssueKeyRequest, IssueKeyResponse, Key
from tests.cli.admin.canned import CannedServer, refusal
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import KEY, KEY_ID
from tests.cli.admin.terminal import on_a_terminal
from tests.cli.planted import make_key

_SECRET = make_key()
_ISSUE = ("keys", "issue", "--account", "Acme", "--name", "shop", "--environment", "prod")


@pytest.fixture
def issuing(server: CannedServer) -> CannedServer:
    """A server that issues a key."""
    server.answer("IssueKey", IssueKeyResponse(key=KEY, secret=_SECRET))
    return server


def test_a_terminal_shows_it_once(issuing: CannedServer, state: Path) -> None:
    """On a line of its own, with the word that it is not shown again."""
    shown = on_a_terminal(*_ISSUE, "--state", str(state))
    assert shown.count(_SECRET) == 1
    assert f"\n{_SECRET}\n" in shown
    assert "not shown again" in shown


def test_a_terminal_that_cannot_show_a_name_shows_the_key(
    server: CannedServer, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is made by then, and told only once."""
    key = Key(id=KEY_ID, name="東京", status="KEY_STATUS_ACTIVE")
    server.answer("IssueKey", IssueKeyResponse(key=key, secret=_SECRET))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert _SECRET in on_a_terminal(*_ISSUE, "--state", str(state))


def test_a_table_for_a_program_is_refused_before_the_key_is_made(
    issuing: CannedServer, tessera: Tessera
) -> None:
    """A build's log is no place for a key, and nobody would know that it is there."""
    result = tessera(*_ISSUE)
    assert result.exit_code == 2
    assert "--secret-file" in result.stderr
    assert issuing.requests == []


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_file_gets_it_and_nobody_else(
    issuing: CannedServer, tessera: Tessera, tmp_path: Path, output: str
) -> None:
    """Mode 0600 whatever the umask; neither output has it."""
    file = tmp_path / "shop.key"
    before = os.umask(0)
    try:
        result = tessera(*_ISSUE, "--secret-file", str(file), "--output", output)
    finally:
        os.umask(before)
    assert result.exit_code == 0
    assert file.read_text() == f"{_SECRET}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _SECRET not in result.output
    assert str(file) in result.stderr
    if output == "json":
        document = json.loads(result.stdout)
        assert (document["secret"], document["secret_file"]) == (None, str(file))


def test_a_file_that_exists_is_refused_before_the_key_is_made(
    issuing: CannedServer, tessera: Tessera, tmp_path: Path
) -> None:
    """Neither touched nor followed, if it is a link."""
    target = tmp_path / "target"
    link = tmp_path / "link"
    link.symlink_to(target)
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file, link):
        result = tessera(*_ISSUE, "--secret-file", str(path))
        assert result.exit_code == 1
        assert "name a new file" in result.stderr
    assert (file.read_text(), target.exists(), issuing.requests) == ("mine", False, [])


def test_a_folder_that_is_not_there_is_refused_before_the_key_is_made(
    issuing: CannedServer, tessera: Tessera, tmp_path: Path
) -> None:
    """With the reason."""
    result = tessera(*_ISSUE, "--secret-file", str(tmp_path / "no" / "file"))
    assert (result.exit_code, issuing.requests) == (1, [])
    assert "No such file or directory" in result.stderr


def test_no_file_is_left_if_no_key_was_made(
    server: CannedServer, tessera: Tessera, tmp_path: Path
) -> None:
    """So that the same command can be typed again."""
    server.answer("IssueKey", refusal(grpc.StatusCode.NOT_FOUND, "No such account.", "NOT_FOUND"))
    result = tessera(*_ISSUE, "--secret-file", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_lost_secret_is_said_to_be_lost(
    server: CannedServer, tessera: Tessera, tmp_path: Path
) -> None:
    """The key was made by a try whose answer got lost: which one, and what to do."""
    away = refusal(grpc.StatusCode.UNAVAILABLE, "The database does not answer.", "DATABASE")
    server.answer("IssueKey", away, IssueKeyResponse(key=KEY))
    result = tessera(*_ISSUE, "--secret-file", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert f"tessera keys rotate {KEY_ID} --grace 0" in result.stderr
    assert list(tmp_path.iterdir()) == []
    first, second = server.asked(IssueKeyRequest)
    assert first == second


def test_a_secret_that_cannot_be_kept_is_said_to_be_lost(
    issuing: CannedServer, state: Path, tmp_path: Path
) -> None:
    """A file size limit stands in for a full disk."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from cli.main import main; main()"
    )
    file = tmp_path / "file"
    done = subprocess.run(
        (sys.executable, "-c", script, *_ISSUE, "--secret-file", file, "--state", state),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"tessera keys rotate {KEY_ID} --grace 0" in done.stderr
    assert not file.exists()
