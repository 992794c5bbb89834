"""What the command refuses, each with one sentence and an exit code that is not 0."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.fixture
def runner() -> CliRunner:
    """Runs the command in this process."""
    return CliRunner()


def test_port_in_use(runner: CliRunner, tmp_path: Path) -> None:
    """Envoy itself would share the port with another Envoy; the command refuses."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = runner.invoke(app, ["up", "--state", str(tmp_path / "s"), "--port", str(port)])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"tessera: Port {port} cannot be used: Address already in use")


def test_state_folder_that_cannot_be_used(runner: CliRunner, tmp_path: Path) -> None:
    """A file where the folder should be is named."""
    (tmp_path / "s").write_text("")
    result = runner.invoke(app, ["up", "--state", str(tmp_path / "s"), "--port", "0"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"tessera: The state folder {tmp_path / 's'} cannot be used")


def test_status_of_nothing(runner: CliRunner, tmp_path: Path) -> None:
    """No stack is not an error of the command, but told apart by the exit code."""
    result = runner.invoke(app, ["status", "--json", "--state", str(tmp_path / "s")])
    assert result.exit_code == 3
    assert result.stdout == '{"state": "stopped"}\n'


def test_down_of_nothing(runner: CliRunner, tmp_path: Path) -> None:
    """What is to be stopped is stopped already: that is success."""
    result = runner.invoke(app, ["down", "--state", str(tmp_path / "s")])
    assert result.exit_code == 0
    assert result.stdout.startswith("No stack runs on")


def test_log_that_does_not_exist(runner: CliRunner, tmp_path: Path) -> None:
    """The sentence lists the logs that there are."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "triton.log").write_text("ready\n")
    result = runner.invoke(app, ["logs", "../env", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.endswith("there are: triton\n")
