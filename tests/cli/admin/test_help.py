"""Every command explains itself."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.main
from typer.testing import CliRunner

from cli.main import app

_GROUPS = (
    *("accounts", "keys", "tiers", "prices"),
    *("invoices", "audit", "processes", "pepper", "decisions", "certs"),
)


def _commands() -> Iterator[tuple[str, str]]:
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    for group in _GROUPS:
        commands = root.commands[group]
        assert isinstance(commands, typer.core.TyperGroup)
        yield from ((group, name) for name in commands.commands)


@pytest.mark.parametrize("command", list(_commands()), ids=" ".join)
def test_every_command_has_examples_and_exit_codes(command: tuple[str, str]) -> None:
    """The examples are of this command; every option has its line of help."""
    shown = CliRunner().invoke(app, [*command, "--help"]).stdout
    examples = shown.partition("Examples:")[2]
    assert f"tessera {' '.join(command)}" in examples
    assert "Exit codes:" in shown
    assert "  0  " in shown


def test_completion_knows_the_commands() -> None:
    """What `--install-completion` installs asks the command itself."""
    done = subprocess.run(
        (Path(sys.executable).with_name("tessera"),),
        env={
            "_TESSERA_COMPLETE": "complete_bash",
            "COMP_WORDS": "tessera keys rev",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["revoke", "revoke-leaked"]


def test_a_command_waits_only_for_what_it_needs() -> None:
    """Who calls a server pays for gRPC, and who runs a stack for pydantic."""
    heavy = {"grpc", "cryptography", "pydantic"}
    script = f"import sys, cli.main; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        (sys.executable, "-c", script), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"
