"""What the engine takes from PyTorch, over the versions and machines that it may meet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inference.engine.load import load_engine
from inference.engine.settings import EngineSettings
from inference.variant import Engine
from tests.reference.vectors import PYTHON


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the Python that has PyTorch makes of it."""
    worker = Path(__file__).with_name("kernels.py")
    done = subprocess.run(
        [PYTHON, worker], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_functions_are_compiled_once_for_all_numbers_of_tokens(found: dict[str, Any]) -> None:
    """And once for one token, which PyTorch takes for another case; widths are compiled in."""
    assert found["compiled"] == {"add": 2, "rotate": 2, "gate": 2, "quantise": 4}


def test_causality_is_spelled_as_the_version_wants_it(found: dict[str, Any]) -> None:
    """A flag in PyTorch 2.10, then a window, then shared heads of keys by request."""
    assert found["spelled"] == [
        {"is_causal": True},
        {"window_size": [-1, 0]},
        {"window_size": [-1, 0], "enable_gqa": True},
    ]


def test_without_a_kernel_for_packed_sequences_it_is_slower_and_said(found: dict[str, Any]) -> None:
    """Older versions of PyTorch compute the same, sequence by sequence."""
    (warning,) = found["without a kernel"]
    assert warning.startswith("sequences attend one by one, which is slow")


@pytest.mark.parametrize(
    ("engine", "library"), [(Engine.TORCH, "torch"), (Engine.ONNXRUNTIME, "onnxruntime")]
)
def test_a_missing_library_is_named_with_the_python_that_misses_it(
    engine: Engine, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triton's Python is often another than one thinks."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "inference.engine.encoder", raising=False)
    settings = EngineSettings(1, 1, 1, threads=1, run_tokens_max=1, engine=engine)
    with pytest.raises(ValueError, match=f"{library} is not installed in {sys.prefix}"):
        load_engine(settings, tmp_path)
