"""`python -m bench model`: the whole run on the tiny shape, and on a machine that has little."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

_BLOCK = """
import sys
for name in ("orjson", "httpx", "grpc", "typer", "onnx", "onnxruntime", "pydantic", "structlog",
             "tritonclient", "tokenizers", "psutil", "torch"):
    sys.modules[name] = None
import bench.__main__, bench.model, bench.model_engine
"""


def test_the_tiny_shape_is_built_checked_and_measured(tmp_path: Path) -> None:
    """Every engine that a CPU has, and a real Triton: nothing is left out, and all agree."""
    page = tmp_path / "model.md"
    argv = ["bench", "model", "--shape", "tiny", "--device", "cpu", "--seconds", "0.1"]
    done = subprocess.run(
        [sys.executable, "-m", *argv, "--folder", str(tmp_path), "--out", str(page)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "did not run" not in page.read_text()
    lines = page.read_text().splitlines()
    assert sum(line.endswith("| holds |") for line in lines) == 5
    (served,) = (
        line for line in lines if line.startswith("| torch fp32, through Triton | ") and "(" in line
    )
    assert served.count("%") == 5
    ET.parse(tmp_path / "model.svg")  # noqa: S314 - our own
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.md", "model.svg"]


def test_a_machine_with_little_can_measure() -> None:
    """NumPy is all that must be there; what is missing besides is said in the report."""
    done = subprocess.run(
        [sys.executable, "-c", _BLOCK], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
