"""What it takes to build and to serve a model: rules of thumb, each from what was measured."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.checkpoint.safetensors import Tensor
from inference.repository.tuning import Tuning
from inference.tensorrt.room import Room
from inference.variant import Engine, Precision

_BYTES: Final = {Precision.FP32: 4, Precision.FP16: 2, Precision.BF16: 2, Precision.FP8: 1}
_ONNXRUNTIME_COPIES: Final = 1.6
"""Of the weights in fp32, while it loads: measured with layers of a Qwen3 in bf16."""
_PLAIN_COPIES: Final = 3
"""Of the largest matrix in fp32: as it was stored, widened, and turned."""
_ACTIVATIONS: Final = 2 * 2**30
_SMALL: Final = 2**28


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes: to build a repository, on the machine that does; to serve it, on a CPU or a GPU.

    The disk is without the weights, which are linked where they can be.
    """

    build_memory: int
    build_disk: int
    serve_memory: int


def count_parameters(checkpoint: Checkpoint) -> int:
    """Return how many numbers the model has learned."""
    return sum(math.prod(tensor.shape) for tensor in checkpoint.tensors.values())


def count_bytes(checkpoint: Checkpoint) -> int:
    """Return what the weights take on disk."""
    return sum((checkpoint.folder / name).stat().st_size for name in checkpoint.files)


def estimate(checkpoint: Checkpoint, engine: Engine, precision: Precision) -> Needs:
    """Estimate what a variant needs, with its golden vectors."""
    parameters = count_parameters(checkpoint)
    weights = parameters * _BYTES[precision]
    golden = _golden_memory(checkpoint)
    match engine:
        case Engine.ONNXRUNTIME:
            served = _onnxruntime_memory(checkpoint) * Tuning().instances
            return Needs(golden, _SMALL, served)
        case Engine.TORCH:
            return Needs(golden, _SMALL, weights + _ACTIVATIONS)
        case Engine.TENSORRT:
            room = Room.needed(parameters * max(_BYTES[precision], _BYTES[Precision.BF16]))
            return Needs(max(room.memory, golden), room.disk, weights + _ACTIVATIONS)


def _golden_memory(checkpoint: Checkpoint) -> int:
    """Estimate what golden vectors take: of a Qwen3 one matrix is there at a time."""
    if not isinstance(checkpoint.config, Qwen3Config):
        return _onnxruntime_memory(checkpoint)
    largest = max(math.prod(tensor.shape) for tensor in _layers(checkpoint))
    return _SMALL + largest * 4 * _PLAIN_COPIES


def _layers(checkpoint: Checkpoint) -> Iterator[Tensor]:
    """Yield all but the embedding, of which only rows are read."""
    return (each for name, each in checkpoint.tensors.items() if name.startswith("layers."))


def _onnxruntime_memory(checkpoint: Checkpoint) -> int:
    """Estimate the memory of the model in ONNX Runtime, in single precision."""
    return _SMALL + int(count_parameters(checkpoint) * 4 * _ONNXRUNTIME_COPIES)


def lacking(need: Needs, free: Room) -> str | None:
    """Say what is missing to build something, where something is."""
    short = [
        f"{human(needed)} of {kind}, of which {human(there)} are free"
        for kind, needed, there in (
            ("memory", need.build_memory, free.memory),
            ("disk", need.build_disk, free.disk),
        )
        if needed > there
    ]
    return f"building this takes about {' and '.join(short)}" if short else None


def nearest(path: Path) -> Path:
    """Return the folder in which a path is, or would be made."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.is_dir())


def human(size: int) -> str:
    """Write a number of bytes as people do."""
    for unit, power in (("GB", 9), ("MB", 6)):
        if size >= 10**power:
            return f"{size / 10**power:.1f} {unit}"
    return f"{size / 1000:.1f} kB"
