"""Has engines measured by the Python that has their libraries."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.model_messages import Answer, Request

_ROOT: Final = Path(__file__).parents[1]
_TORCH_PYTHON: Final = _ROOT / ".venv-torch/bin/python"
_TIMEOUT_SECONDS: Final = 3600.0


def python_with(library: str) -> Path | None:
    """Return the Python to use: this one, or PyTorch's own where that is installed beside it."""
    if importlib.util.find_spec(library) is not None:
        return Path(sys.executable)
    return _TORCH_PYTHON if library == "torch" and _TORCH_PYTHON.exists() else None


def measure_in(python: Path, request: Request, answer: Path) -> Answer:
    """Have a request answered by another process; `answer` is where it goes.

    Raises:
        SystemExit: it failed.
    """
    question = answer.with_suffix(".request")
    request.write(question)
    argv = [str(python), "-m", "bench.model_engine", str(question), str(answer)]
    done = subprocess.run(argv, cwd=_ROOT, check=False, timeout=_TIMEOUT_SECONDS)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} failed with {done.returncode}")
    return Answer.read(answer)
