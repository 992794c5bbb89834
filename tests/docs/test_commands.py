"""What people are told to type works as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import report
from stack.launch import RunningStack
from tests.docs.pages import MAKEFILE, README, ROOT, shell_blocks


@pytest.fixture
def checkout(stack: RunningStack, tmp_path: Path) -> Path:
    """A folder in which the running stack is where the README says."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".tessera").symlink_to(stack.layout.state)
    return tmp_path


def test_the_readme_names_the_two_commands() -> None:
    """`make up` and `make test` are the first things to type."""
    assert shell_blocks(README)[0].splitlines() == ["make up", "make test"]


def test_the_readme_commands_run(checkout: Path) -> None:
    """All between the start and the stop runs, and exports what the comment beside it promises."""
    first, *between, last = shell_blocks(README)[1].splitlines()
    assert (first, last) == (".venv/bin/tessera up --detach", ".venv/bin/tessera down")
    (comment,) = re.findall(r"^\. \.tessera/env +# (.*)$", README, re.MULTILINE)
    promised = re.findall(r"[A-Z_]{8,}", comment)
    shown = _sh(checkout, *between, *(f': "${{{name}:?}}"' for name in promised))
    assert "ready" in shown
    assert len(promised) == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_printed_curl_line_works(
    stack: RunningStack, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `tessera up` prints can be pasted as it is."""
    report.show_banner(stack, 1.0, stop="Ctrl-C")
    curl = re.findall(r"^curl .*?\n\n", capsys.readouterr().out, re.DOTALL | re.MULTILINE)
    assert '"embedding"' in _sh(checkout, *curl)


def test_make_lists_what_there_is() -> None:
    """`make` alone changes nothing and shows every target with a sentence."""
    listed = re.findall(r"^  make ([a-z]+) +\w.*$", _sh(ROOT, "make"), re.MULTILINE)
    assert set(listed) == set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))


def _sh(folder: Path, *lines: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", "\n".join(lines)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
