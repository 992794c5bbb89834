"""A checkpoint's tensors, from one safetensors file or from several that an index lists."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from inference.checkpoint.json_file import JsonFile
from inference.checkpoint.safetensors import CheckpointError, Tensor, read_tensors

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"


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


def _read_index(path: Path) -> dict[str, str]:
    weights = JsonFile.read(path).fields.get("weight_map")
    if not isinstance(weights, dict) or not weights:
        raise CheckpointError(f"{path} has no weight_map")
    for name, file in weights.items():
        if not isinstance(file, str) or not file or Path(file).name != file:
            raise CheckpointError(f"{path}: tensor {name!r} is in {file!r}, which is no file name")
    return weights


def _read_shard(path: Path, index: Mapping[str, str]) -> dict[str, Tensor]:
    found = read_tensors(path)
    expected = {name for name, file in index.items() if file == path.name}
    if missing := sorted(expected - found.keys()):
        raise CheckpointError(f"{path} lacks tensor {missing[0]!r}, which {INDEX} says it holds")
    if unknown := sorted(found.keys() - expected):
        raise CheckpointError(f"{path} holds tensor {unknown[0]!r}, of which {INDEX} knows nothing")
    return found
