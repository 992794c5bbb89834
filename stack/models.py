"""Whether a compiled model can be served by this machine's Triton."""

import json
from pathlib import Path
from typing import Final

from stack.errors import StackError

_SERVING: Final = Path("card", "serving.json")
_PROVENANCE: Final = Path("card", "provenance.json")
_NOT_FOR_TRITON: Final = "tensorrt-rtx "
_HERE: Final = ("onnxruntime", "torch")


def find(repository: Path) -> Path:
    """Return a repository's absolute path; raise StackError where it cannot be served here."""
    path = repository.absolute() / _SERVING
    try:
        engine = json.loads(path.read_bytes())["variant"]["engine"]
    except OSError as error:
        raise StackError(
            f"{repository} is no model repository: there is no {path}; build one with"
            " `tessera model compile`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(f"{path} is damaged; build {repository} again") from error
    if engine not in _HERE and _is_for_no_triton(repository):
        raise StackError(
            f"{repository} is a plan of TensorRT-RTX, which no Triton can load: compile it in"
            " NVIDIA's Triton container and serve it there, or with --engine torch or onnxruntime"
        )
    if engine not in _HERE:
        raise StackError(
            f"{repository} is for {engine}, and this Triton has its Python backend alone: serve it"
            " in NVIDIA's Triton container, or compile it with --engine torch or onnxruntime"
        )
    return repository.absolute()


def _is_for_no_triton(repository: Path) -> bool:
    try:
        made_by = json.loads((repository / _PROVENANCE).read_bytes())["engine"]
    except (OSError, ValueError, KeyError, TypeError):
        return False  # the other refusal holds as well
    return str(made_by).startswith(_NOT_FOR_TRITON)
