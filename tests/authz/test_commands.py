"""The other commands, and settings."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from authz.domain.pepper import Peppers
from tests.authz.running import PEPPER, Setup


@pytest.fixture
def setup(database_url: str, model_folder: Path) -> Iterator[Setup]:
    """An empty database and a folder."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), database_url, model_folder)


async def _count_keys(setup: Setup, status: str) -> int:
    connection = await asyncpg.connect(setup.database_url)
    count = await connection.fetchval("SELECT count(*) FROM keys WHERE status = $1", status)
    connection.terminate()
    assert isinstance(count, int)
    return count


async def test_a_live_demo_key_is_kept(setup: Setup) -> None:
    """A second start of the stack changes nobody's configuration."""
    assert setup.run("migrate").returncode == 0
    out = str(setup.folder / "key")
    assert setup.run("seed-demo", "--out", out).returncode == 0
    key = (setup.folder / "key").read_text().strip()
    assert await setup.seed() == key
    assert (setup.folder / "key").stat().st_mode & 0o777 == 0o600
    assert await _count_keys(setup, "active") == 1


async def test_a_demo_key_whose_pepper_was_replaced_is_kept(setup: Setup) -> None:
    """It is known under the chain of peppers that its digest is under now."""
    key = await setup.seed()
    peppers = Peppers.parse(f"{PEPPER}\n{'10' * 32}")
    connection = await asyncpg.connect(setup.database_url)
    await connection.execute(
        "UPDATE keys SET digest = $1, wrapped_under = $2",
        *(peppers.digest_key(key, peppers.ids), [peppers.newest.id]),
    )
    connection.terminate()
    (setup.folder / "pepper").write_text(f"{PEPPER}\n{'10' * 32}")
    assert setup.run("seed-demo", "--out", str(setup.folder / "key")).returncode == 0
    assert (setup.folder / "key").read_text().strip() == key
    assert await _count_keys(setup, "active") == 1


@pytest.mark.parametrize("left", [None, b"", b"\xff", b"sk-tessera-nonsense"])
async def test_a_lost_demo_key_is_replaced(setup: Setup, left: bytes | None) -> None:
    """And the one that nobody has is revoked."""
    key = await setup.seed()
    path = setup.folder / "key"
    path.unlink() if left is None else path.write_bytes(left)
    assert await setup.seed() != key
    assert await _count_keys(setup, "active") == 1
    assert await _count_keys(setup, "revoked") == 1


def test_a_bad_pepper_is_said_so(setup: Setup) -> None:
    """In one sentence, without what was in the file."""
    path = setup.folder / "pepper"
    path.write_text("short")
    done = setup.run("seed-demo", "--out", str(setup.folder / "key"))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"authz: {path}: line 1: A pepper must be 32 bytes, written in hexadecimal."
    ]


def test_a_database_that_is_away_is_said_so(tmp_path: Path, model_folder: Path) -> None:
    """Without its connection string."""
    setup = Setup(tmp_path, f"postgresql:///x?host={tmp_path}&password=hush", model_folder)
    done = setup.run("migrate")
    assert done.returncode == 1
    assert "PostgreSQL does not answer" in done.stderr
    assert "hush" not in done.stderr


def test_a_missing_setting_is_named() -> None:
    """In one sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "authz", "migrate"],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "authz: AUTHZ_DATABASE_URL: Field required\n"
