"""docs/leaks/receiver.md: what it shows to be typed works as it stands."""

import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from contract.keys import mint_key
from leaks import refusals
from leaks.settings import LeaksSettings
from tests.leaks.admin_double import AdminDouble
from tests.leaks.conftest import Setup
from tests.leaks.process import running_receiver

_GUIDE: Final = (Path(__file__).parents[2] / "docs" / "leaks" / "receiver.md").read_text()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="leaks-") as name:
        yield Path(name)


@pytest.mark.skipif(
    None in (shutil.which("openssl"), shutil.which("curl")), reason="needs openssl and curl"
)
def test_the_test_in_the_guide_passes(folder: Path, setup: Setup, admin: AdminDouble) -> None:
    """Keys of one's own, a signed report, and the answer that is promised."""
    prepare, report = re.findall(r"```sh\n(.*?)```", _GUIDE, re.DOTALL)
    key = mint_key(secrets.randbelow)
    admin.known[key] = "key-1"
    _sh(folder, prepare)
    settings = setup.settings() | {"LEAKS_GITHUB_KEYS_FILE": str(folder / "keys.json")}
    with running_receiver(folder, settings):
        socket = f"--unix-socket {folder / 'leaks.sock'} --data-binary"
        answer = _sh(folder, f"KEY={key}\n" + report.replace("--data-binary", socket))
    assert "true_positive" in answer
    assert admin.revoked == {"key-1"}


def test_every_setting_is_explained() -> None:
    """And none that there is not."""
    there = {f"LEAKS_{name.upper()}" for name in LeaksSettings.model_fields}
    assert set(re.findall(r"LEAKS_[A-Z_]+", _GUIDE)) == there


def test_every_answer_is_explained() -> None:
    """But the one that nobody foresees."""
    made = {
        refusal.code
        for refusal in (
            refusals.not_found(),
            refusals.method_not_allowed(),
            refusals.too_slow(),
            refusals.body_too_large(1),
            refusals.bad_header("", ""),
            refusals.unknown_public_key(),
            refusals.wrong_signature(),
            refusals.malformed_report(""),
            refusals.too_many_findings(1),
            refusals.public_keys_unavailable(),
            refusals.not_revoked(),
            refusals.too_busy(),
        )
    }
    rows = "".join(re.findall(r"^\| [\d, ]+ \| (.*?) \|", _GUIDE, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == made


def _sh(folder: Path, script: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
