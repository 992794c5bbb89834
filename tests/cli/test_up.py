"""`tessera up` as a person types it, on real parts."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack import lock
from stack.layout import locate
from tests import unencrypted
from tests.stack.programs import lives
from tests.waiting import wait_until

_TESSERA = (sys.executable, "-m", "cli")


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder whose stack, if one is left, is stopped."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        yield Path(folder)
        tessera("down", state=Path(folder))


def tessera(command: str, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the command and return what it said."""
    argv = (*_TESSERA, command, "--state", str(state), *arguments)
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


def test_detached_stack_lives_from_up_to_down(state: Path) -> None:
    """`up --detach` returns when ready; `status --json` is for programs; `down` leaves nothing."""
    up = tessera("up", "--detach", "--port", "0", state=state)
    assert up.returncode == 0, up.stderr
    status = json.loads(tessera("status", "--json", state=state).stdout)
    assert {"state", "base_url", "supervisor", "units", "message"} == set(status)
    assert status["state"] == "ready"
    processes = {unit["name"]: unit for unit in status["units"] if unit["pid"] is not None}
    assert set(processes) == {
        "postgres",
        "triton",
        "adapter",
        "admin",
        "authz-1",
        "report",
        "envoy",
    }
    assert all(Path(unit["log"]).exists() for unit in processes.values())

    assert "is an alias for" in up.stdout
    assert _embed_with_exports(state) == 200

    again = tessera("up", "--detach", "--port", "0", state=state)
    assert again.returncode == 1
    assert "A stack already runs on" in again.stderr

    everything = psutil.Process(status["supervisor"]["pid"]).children(recursive=True)
    assert tessera("down", state=state).stdout == "Stopped.\n"
    assert [each for each in everything if lives(each.pid)] == []
    assert tessera("status", state=state).returncode == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_stack_in_the_foreground_ends_with_its_command(
    state: Path, number: signal.Signals, code: int
) -> None:
    """Ctrl-C stops everything in order; even `kill -9` of the command leaves no process behind."""
    argv = (*_TESSERA, "up", "--state", str(state), "--port", "0")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        wait_for = "is an alias for"
        assert any(wait_for in line for line in command.stdout)
        everything = psutil.Process(command.pid).children(recursive=True)
        os.kill(command.pid, number)
        assert command.wait(timeout=20) == code
    wait_until(lambda: not lock.is_held(locate(state)))
    assert [each for each in everything if lives(each.pid)] == []


def _embed_with_exports(state: Path) -> int:
    """Do what `. .tessera/env` and the printed curl line do."""
    exports = dict(
        line.removeprefix("export ").split("=", 1)
        for line in locate(state).env.read_text().splitlines()
    )
    values = {name: value.strip("'") for name, value in exports.items()}
    return unencrypted.post(
        f"{values['OPENAI_BASE_URL']}/embeddings",
        headers={"authorization": f"Bearer {values['OPENAI_API_KEY']}"},
        json={"model": "Qwen/Qwen3-Embedding-8B", "input": "Hello, world"},
        timeout=10,
    ).status_code
