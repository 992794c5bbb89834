"""`python -m bench model`: the whole run on the tiny shape, and on a machine that has little."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.reference.vectors import PYTHON

_BARE = """
import sys

class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy", "bench", "inference"}:
            raise ModuleNotFoundError(f"{name} is not on a bare machine")

sys.meta_path.insert(0, Bare())
import bench.__main__, bench.model, bench.model_engine
"""
_NOT_FOR_A_CPU = ("tensorrt", "a GPU", "the full shape")


def test_the_tiny_shape_is_built_checked_and_measured(tmp_path: Path) -> None:
    """Every engine that a CPU has, and a real Triton: nothing else is left out, and all agree."""
    page = _measure(sys.executable, tmp_path)
    assert _left_out(page) == [*_NOT_FOR_A_CPU], page
    lines = page.splitlines()
    assert sum(line.endswith("| holds |") for line in lines) == 5
    (served,) = (
        line for line in lines if line.startswith("| torch fp32, through Triton | ") and "(" in line
    )
    assert served.count("%") == 5
    ET.parse(tmp_path / "model.svg")  # noqa: S314 - our own
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.md", "model.svg"]


def test_with_pytorch_alone_its_engine_is_measured(tmp_path: Path) -> None:
    """As on a bare machine with a GPU; the report says what else there would have been."""
    page = _measure(str(PYTHON), tmp_path)
    assert "| torch fp32, in process | measured and compared |" in page
    assert [line for line in page.splitlines() if "**fails**" in line] == []
    assert _left_out(page) == [
        "`python -m inference model compile --engine onnxruntime`",
        "`python -m inference model compile --engine torch`",
        *_NOT_FOR_A_CPU,
        "torch fp32, through Triton",
    ]


def test_what_is_not_done_in_time_is_left_out_and_said(tmp_path: Path) -> None:
    """Whoever lends a machine for minutes still gets a report, of what there was time for."""
    page = tmp_path / "model.md"
    done = _run(sys.executable, tmp_path, "--minutes", "0.001")
    assert done.returncode == 1
    assert "No engine was measured" in done.stderr
    assert (
        "| torch fp32, in process | **did not run**: there was no time left |" in page.read_text()
    )


def _measure(python: str, folder: Path) -> str:
    done = _run(python, folder)
    assert done.returncode == 0, done.stderr
    return (folder / "model.md").read_text()


def _run(python: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [python, "-m", "bench", "model", "--shape", "tiny", "--device", "cpu"]
    argv += ["--seconds", "0.1", "--folder", str(folder), "--out", str(folder / "model.md")]
    return subprocess.run(
        [*argv, *options], capture_output=True, text=True, timeout=300, check=False
    )


def _left_out(page: str) -> list[str]:
    """Return what did not run, of all that the page lists."""
    return [line.split(" | ")[0][2:] for line in page.splitlines() if "**did not run**" in line]


def test_a_machine_with_little_can_measure() -> None:
    """NumPy is all that must be there; what is missing besides is said in the report."""
    done = subprocess.run(
        [sys.executable, "-c", _BARE], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
