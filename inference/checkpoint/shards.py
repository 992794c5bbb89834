"""A checkpoint's tensors, from one safetensors file or from several that an index lists."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from inference.checkpoint.json_file import JsonFile
from inference.checkpoint.safetensors import CheckpointError, Tensor, read_tensors

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
_SHARD: Final = ".safetensors"
"""How each shard's name ends; so none can take the place of another file of a repository."""


def read_shards(folder: Path) -> dict[str, Tensor]:
    """Return all tensors of a checkpoint folder by name.

    Raises:
        CheckpointError: a shard is missing, damaged, or does not hold what the index says.
        OSError: one cannot be read.
    """
    if (folder / SINGLE).exists():  # where there are both, transformers takes this one too
        return read_tensors(folder / SINGLE)
    if not (folder / INDEX).exists():
        raise CheckpointError(f"{folder} holds neither {SINGLE} nor {INDEX}")
    index = _read_index(folder / INDEX)
    tensors: dict[str, Tensor] = {}
    for file in sorted(set(index.values())):
        if not (folder / file).is_file():
            raise CheckpointError(f"{folder / INDEX} names {file}, which is missing")
        tensors |= _read_shard(folder / file, index)
    return tensors


def index_of(folder: Path, files: Collection[str]) -> bytes | None:
    """Return an index of these shards alone, where it is by an index that they are found.

    Raises:
        CheckpointError: the index is damaged.
        OSError: it cannot be read.
    """
    if (folder / SINGLE).exists():
        return None
    weights = _read_index(folder / INDEX)
    kept = {name: file for name, file in weights.items() if file in files}
    return json.dumps({"weight_map": kept}, indent=2).encode()


def _read_index(path: Path) -> dict[str, str]:
    weights = JsonFile.read(path).fields.get("weight_map")
    if not isinstance(weights, dict) or not weights:
        raise CheckpointError(f"{path} has no weight_map")
    for name, file in weights.items():
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(_SHARD):
            raise CheckpointError(f"{path}: tensor {name!r} is in {file!r}, which is no shard here")
    return weights


def _read_shard(path: Path, index: Mapping[str, str]) -> dict[str, Tensor]:
    found = read_tensors(path)
    expected = {name for name, file in index.items() if file == path.name}
    if missing := sorted(expected - found.keys()):
        raise CheckpointError(f"{path} lacks tensor {missing[0]!r}, which {INDEX} says it holds")
    if unknown := sorted(found.keys() - expected):
        raise CheckpointError(f"{path} holds tensor {unknown[0]!r}, of which {INDEX} knows nothing")
    return found
