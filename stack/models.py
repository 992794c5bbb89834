"""Whether a compiled model can be served by this machine's Triton."""

import json
from pathlib import Path
from typing import Final

from stack.errors import StackError

_SERVING: Final = Path("card", "serving.json")
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
    if engine not in _HERE:
        raise StackError(
            f"{repository} is for {engine}, and this Triton has its Python backend alone: serve it"
            " in NVIDIA's Triton container, or compile it with --engine torch or onnxruntime"
        )
    return repository.absolute()
