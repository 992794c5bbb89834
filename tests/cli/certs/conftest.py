"""Certificates, made by the command itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app

Certs = Callable[..., Result]


@pytest.fixture
def certs() -> Certs:
    """Run `tessera certs …`."""
    runner = CliRunner()
    return lambda *words: runner.invoke(app, ["certs", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path, certs: Certs) -> Path:
    """A folder with a CA, a server's certificate for 127.0.0.1 and an owner's, alice's."""
    out = tmp_path / "certs"
    for words in (
        ("init",),
        ("issue-server", "--host", "127.0.0.1", "--host", "admin.tessera.example"),
        ("issue", "--role", "owner", "--name", "alice"),
    ):
        result = certs(*words, "--out", out)
        assert result.exit_code == 0, result.output
    return out
