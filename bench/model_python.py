"""Has engines measured by the Python that has their libraries."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.model_machine import cpu_name
from bench.model_messages import HERE, TRANSFORMERS, Answer, Measured, Request

ROOT: Final = Path(__file__).parents[1]
_TORCH_PYTHON: Final = ROOT / ".venv-torch/bin/python"


def python_with(library: str) -> Path | None:
    """Return the Python to use: this one, or PyTorch's own where that is installed beside it."""
    if importlib.util.find_spec(library) is not None:
        return Path(sys.executable)
    return _TORCH_PYTHON if library == "torch" and _TORCH_PYTHON.exists() else None


def measure_in(python: Path, request: Request, answer: Path, seconds: float) -> Answer:
    """Have a request answered by another process within some seconds; `answer` is where it goes.

    Whatever ends it, what it has measured by then counts, and of the rest it is told why not.
    """
    question = answer.with_suffix(".request")
    request.write(question)
    argv = [str(python), "-m", "bench.model_engine", str(question), str(answer)]
    try:
        code = subprocess.run(argv, cwd=ROOT, check=False, timeout=seconds).returncode
        reason = f"its process ended with {code}"
    except subprocess.TimeoutExpired:
        reason = "there was no time left"
    done = Answer.read(answer) if answer.exists() else Answer(cpu_name(), "none known", {}, ())
    return replace(done, measured=(*done.measured, *_missing(request, done, reason)))


def _missing(request: Request, done: Answer, reason: str) -> Iterator[Measured]:
    there = {(each.engine, each.precision) for each in done.measured}
    wanted = [(str(task.engine), task.precision) for task in request.tasks]
    wanted += [(TRANSFORMERS, precision) for precision in request.references]
    for engine, precision in wanted:
        if (engine, precision) not in there:
            yield Measured(engine, precision, HERE, failure=reason)
