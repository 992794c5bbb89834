"""`python -m bench full-size`, on a shape that takes a moment."""

import subprocess
import sys
from pathlib import Path


def test_two_engines_are_compared_with_what_makes_golden_vectors(tmp_path: Path) -> None:
    """Ours in PyTorch and transformers, in bfloat16; nothing is left behind."""
    page = tmp_path / "page.md"
    argv = ["bench", "full-size", "--shape", "tiny", "--folder", str(tmp_path), "--out", str(page)]
    done = subprocess.run(
        [sys.executable, "-m", *argv], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in page.read_text().splitlines() if " bf16 | 0.99" in line]
    assert [row.split(" bf16")[0] for row in rows] == ["| torch", "| transformers"]
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]
