"""A checkpoint folder as Hugging Face lays it out, opened and found to be whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from inference.checkpoint.bert import BertConfig
from inference.checkpoint.json_file import JsonFile
from inference.checkpoint.pipeline import check_pipeline
from inference.checkpoint.qwen3 import Qwen3Config
from inference.checkpoint.safetensors import CheckpointError, Tensor
from inference.checkpoint.shards import read_shards

Config = BertConfig | Qwen3Config

CONFIG: Final = "config.json"
_KNOWN: Final[Mapping[str, type[Config]]] = {"bert": BertConfig, "qwen3": Qwen3Config}
_FLOATS: Final = ("F32", "F16", "BF16")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the folder holds: `tensors` are those that the graph uses, all of the right shape.

    They are named as the architecture's own model names them, whatever the files put in front.
    """

    folder: Path
    config: Config
    tensors: Mapping[str, Tensor]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what the folder's files say of themselves; no weight is read.

        Raises:
            CheckpointError: it is damaged, incomplete, or not a model that our graph can express.
            OSError: a file cannot be read.
        """
        config = _read_config(JsonFile.read(folder / CONFIG))
        check_pipeline(folder, config.pooling)
        return cls(folder, config, _select(folder, config, read_shards(folder)))

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the shards that hold the tensors."""
        return tuple(sorted({tensor.file for tensor in self.tensors.values()}))


def _read_config(file: JsonFile) -> Config:
    kind = file.fields.get("model_type")
    architecture = _KNOWN.get(kind) if isinstance(kind, str) else None
    if architecture is None:
        raise CheckpointError(
            f"{file.path}: model_type is {kind!r}, not one of {', '.join(_KNOWN)}"
        )
    named = file.fields.get("architectures")
    if named is not None and named not in [[each] for each in architecture.architectures]:
        known = ", ".join(architecture.architectures)
        raise CheckpointError(f"{file.path}: architectures is {named!r}, not one of {known}")
    return architecture.parse(file)


def _select(folder: Path, config: Config, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that the graph uses, by the names without a prefix."""
    tensors = {name.removeprefix(config.prefix): tensor for name, tensor in found.items()}
    if len(tensors) != len(found):
        raise CheckpointError(f"{folder} holds a tensor both with and without {config.prefix!r}")
    shapes = config.shapes()
    for name, shape in shapes.items():
        _check(folder, name, shape, tensors.get(name))
    for name in tensors.keys() - shapes.keys():
        if not name.startswith(config.unused):
            raise CheckpointError(f"{folder} holds tensor {name!r}, which the graph has no use for")
    return {name: tensors[name] for name in shapes}


def _check(folder: Path, name: str, shape: tuple[int, ...], tensor: Tensor | None) -> None:
    if tensor is None:
        raise CheckpointError(f"{folder} holds no tensor {name!r}")
    if tensor.shape != shape:
        raise CheckpointError(f"tensor {name!r} of {folder} has shape {tensor.shape}, not {shape}")
    if tensor.dtype not in _FLOATS:
        raise CheckpointError(
            f"tensor {name!r} of {folder} is {tensor.dtype}, not one of {_FLOATS}"
        )
