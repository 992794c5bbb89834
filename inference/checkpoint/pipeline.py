"""What sentence-transformers keeps beside a checkpoint: how hidden states become one vector.

Our graphs pool in one way each and normalise. A checkpoint that was trained for another would give
vectors that look as good and are not. Without these files nothing can be checked.
"""

import json
from pathlib import Path
from typing import Final

from inference.checkpoint.json_file import JsonFile
from inference.checkpoint.safetensors import CheckpointError

MODULES: Final = "modules.json"
POOLING: Final = "1_Pooling/config.json"
_EXPRESSED: Final = {"Transformer", "Pooling", "Normalize"}
_MODE: Final = "pooling_mode_"


def check_pipeline(folder: Path, pooling: str) -> None:
    """Check that what the folder says of its vectors, if anything, is what the graph does.

    Raises:
        CheckpointError: it is something else.
        OSError: a file cannot be read.
    """
    if (folder / MODULES).exists():
        _check_modules(folder / MODULES)
    if (folder / POOLING).exists():
        file = JsonFile.read(folder / POOLING)
        modes = [name for name, on in file.fields.items() if name.startswith(_MODE) and on is True]
        if modes != [f"{_MODE}{pooling}"]:
            raise CheckpointError(f"{file.path}: the mode is {modes}, not {_MODE}{pooling}")


def _check_modules(path: Path) -> None:
    try:
        kinds = [str(module["type"]).rpartition(".")[2] for module in json.loads(path.read_bytes())]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} is not a list of modules") from error
    if unknown := sorted(set(kinds) - _EXPRESSED):
        raise CheckpointError(f"{path}: the graph has no module {unknown[0]}")
