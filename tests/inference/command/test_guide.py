"""docs/operations/models.md: what a stranger types from it works as it stands."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from typer.testing import CliRunner

from inference.command.app import app
from tests.docs.pages import PAGES, shell_blocks

_GUIDE: Final = PAGES["docs/operations/models.md"]
_CHECKPOINT: Final = "~/models/Qwen3-Embedding-8B"


def _typed() -> list[str]:
    """Return every line that is to be typed, but what needs a GPU or starts the whole product."""
    lines = [line for block in shell_blocks(_GUIDE) for line in block.splitlines()]
    passed_over = ("tessera model serve", "tessera down", "python -m bench")
    return [line for line in lines if not line.startswith(passed_over)]


def test_every_command_of_the_guide_runs(checkpoint: Path, tmp_path: Path) -> None:
    """In its order, with another checkpoint and another place."""
    lines = [
        line.replace(_CHECKPOINT, str(checkpoint)).replace("/srv", str(tmp_path))
        for line in _typed()
    ]
    done = subprocess.run(
        ("/bin/sh", "-eu", "-c", "\n".join(lines)),
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tensorrt-rtx 1." in done.stdout
    assert "It cannot be served: Triton cannot load" in done.stdout
    assert "6, made by NumPy in fp32" in done.stdout


def test_the_guide_shows_every_command() -> None:
    """So that the test above cannot pass over an empty list."""
    shown = set(re.findall(r"^tessera model (\w+)", "\n".join(_typed()), re.MULTILINE))
    assert shown == {"inspect", "compile", "verify"}


def test_every_command_has_examples_and_exit_codes() -> None:
    """And every option a line of help."""
    for name in ("inspect", "compile", "verify"):
        shown = CliRunner().invoke(app, [name, "--help"]).stdout
        assert f"  tessera model {name} " in shown.partition("Examples:")[2]
        assert "  0  " in shown.partition("Exit codes:")[2]
