"""docs/leaks: what a stranger copies from it finds a leaked key."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from cli.scan.findings import fingerprint
from contract.keys import PATTERN, PREFIX
from tests.cli.planted import make_key, shows_secret

_FOLDER = Path(__file__).parents[2] / "docs" / "leaks"
_COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (_FOLDER / "README.md").read_text(), re.DOTALL)
    for line in block.splitlines()
]
_KEY = make_key()


@pytest.fixture
def leak(tmp_path: Path) -> Path:
    """A repository with the two rules, whose files and history hold a key."""
    shutil.copytree(_FOLDER, tmp_path / "docs" / "leaks")
    (tmp_path / "settings.py").write_text(f'KEY = "{_KEY}"\n')
    _shell("git init --quiet && git add settings.py", tmp_path)
    _shell("git -c user.name=A -c user.email=a@example.com commit --quiet -m Add", tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_finds_the_leak_without_showing_it(command: str, leak: Path) -> None:
    """As it stands in the guide: it exits 1, and prints no key."""
    for program in re.findall(r"(?:^|\| )(\w+)", command):
        if program != "tessera" and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    done = _shell(command, leak)
    assert done.returncode == 1, done.stderr
    assert not shows_secret(done.stdout + done.stderr, _KEY)
    if "tessera" in command:
        assert fingerprint(_KEY) in done.stdout


def test_the_guide_has_commands_of_all_three_programs() -> None:
    """So that the test above cannot pass over an empty list."""
    assert {line.split()[0] for line in _COMMANDS} == {"tessera", "git", "gitleaks", "trufflehog"}


def test_the_gitleaks_rule_has_the_keys_form() -> None:
    """It cannot drift from what is issued."""
    (rule,) = tomllib.loads((_FOLDER / "gitleaks.toml").read_text())["rules"]
    assert (rule["regex"], rule["keywords"]) == (PATTERN, [PREFIX])


def test_the_trufflehog_rule_has_the_keys_form() -> None:
    """It cannot drift from what is issued."""
    (detector,) = yaml.safe_load((_FOLDER / "trufflehog.yaml").read_text())["detectors"]
    assert (detector["regex"], detector["keywords"]) == ({"key": f"({PATTERN})"}, [PREFIX])


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:$PATH"
    return subprocess.run(
        ("/bin/sh", "-c", f'PATH="{path}"; {command}'),
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=120,
        text=True,
    )
