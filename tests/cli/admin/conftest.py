"""A canned admin server where a stack's would be, and the command in this process."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from stack.layout import locate
from tests.cli.admin.canned import CannedServer, serving

Tessera = Callable[..., Result]


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder with room for sockets."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:  # short: a socket goes in it
        locate(Path(folder)).run.mkdir()
        yield Path(folder)


@pytest.fixture
def server(state: Path) -> Iterator[CannedServer]:
    """The admin server of that stack."""
    canned = CannedServer()
    with serving(canned, f"unix:{locate(state).socket('admin')}"):
        yield canned


@pytest.fixture
def tessera(state: Path, monkeypatch: pytest.MonkeyPatch) -> Tessera:
    """Run `tessera …` against that stack."""
    for name in ("ADDRESS", "CA", "CERT", "KEY"):
        monkeypatch.delenv(f"TESSERA_ADMIN_{name}", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    runner = CliRunner()

    def run(*words: str, typed: str | None = None) -> Result:
        return runner.invoke(app, [*words, "--state", str(state)], input=typed)

    return run
