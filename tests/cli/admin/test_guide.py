"""docs/administration.md: what a stranger types works as it stands, on the whole product."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack.launch import RunningStack
from tests import unencrypted
from tests.docs.pages import ROOT, shell_blocks
from tests.waiting import wait_until

_PAGE = (ROOT / "docs" / "administration.md").read_text()
_SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", _PAGE, re.DOTALL | re.MULTILINE))

_TESSERA = ".venv/bin/tessera"


@pytest.fixture
def checkout(stack: RunningStack, tmp_path: Path) -> Path:
    """A folder in which the running stack is where the guide says."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".tessera").symlink_to(stack.layout.state)
    return tmp_path


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_everything_on_one_machine_works(checkout: Path, stack: RunningStack) -> None:
    """All of it, in its order; then neither of the two keys opens anything."""
    shown = _sh(checkout, *shell_blocks(_SECTIONS["On one machine"]))
    assert "entries are as they were written" in shown
    for name in ("shop.key", "shop-2.key"):
        text = (checkout / name).read_text().strip()
        assert text not in shown
        assert _call(stack, text) == 401


def test_a_revoked_key_is_refused_when_the_command_returns(
    checkout: Path, stack: RunningStack
) -> None:
    """`--wait` is a promise: no answer after it is anything but a 401."""
    issue = f"{_TESSERA} keys issue --account demo --name here --environment dev --output json"
    issued = json.loads(_sh(checkout, issue))
    _sh(checkout, f"{_TESSERA} keys update {issued['key']['id']} --network 127.0.0.0/8")
    assert _call(stack, issued["secret"]) == 200
    _sh(checkout, f"{_TESSERA} keys revoke {issued['key']['id']} --wait")
    assert _call(stack, issued["secret"]) == 401


def test_a_frozen_process_is_named(checkout: Path, stack: RunningStack) -> None:
    """The key is revoked, and somebody may not know it: exit code 5."""
    issue = f"{_TESSERA} keys issue --account demo --name late --environment dev --output json"
    key = json.loads(_sh(checkout, issue))["key"]["id"]
    os.kill(stack.pid("authz-1"), signal.SIGSTOP)
    try:
        done = _run(checkout, f"{_TESSERA} keys revoke {key} --wait --timeout 1s")
    finally:
        os.kill(stack.pid("authz-1"), signal.SIGCONT)
        wait_until(lambda: _call(stack, stack.key) == 200)
    assert done.returncode == 5
    assert "not known to be refused by authz-1 (certainly from" in done.stderr


def test_certificates_are_made_as_shown(checkout: Path) -> None:
    """Into the files that the guide names further down."""
    made, _ = shell_blocks(_SECTIONS["From another machine"])
    assert "spiffe://tessera/admin/owner/alice" in _sh(checkout, "PATH=.venv/bin:$PATH", made)
    named = set(re.findall(r"\bcerts/[\w-]+\.pem", _PAGE))
    assert {name for name in named if not (checkout / name).exists()} == set()


def _sh(folder: Path, *blocks: str) -> str:
    done = _run(folder, *blocks)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(folder: Path, *blocks: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "TESSERA" not in name}
    return subprocess.run(
        ("/bin/sh", "-eu", "-c", "\n".join(blocks)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _call(stack: RunningStack, key: str) -> int:
    return unencrypted.get(
        f"{stack.base_url}/models", headers={"authorization": f"Bearer {key}"}, timeout=10
    ).status_code
