"""Brings a checkpoint's weights to a device, tensor by tensor, without a copy of the file."""

import math
import mmap
from collections.abc import Mapping
from typing import Final

import torch

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.safetensors import Tensor

_DTYPES: Final[Mapping[str, torch.dtype]] = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}


class Weights:
    """A checkpoint's tensors, read from its mapped files when they are asked for."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> None:
        self._tensors = checkpoint.tensors
        self._files = {name: _map(checkpoint, name) for name in checkpoint.files}
        self._device = device
        self._dtype = dtype

    def load(self, *names: str) -> torch.Tensor:
        """Copy tensors to the device, one below the other where there are several."""
        parts = [self._view(self._tensors[name]) for name in names]
        rows = sum(part.shape[0] for part in parts)
        joined = torch.empty((rows, *parts[0].shape[1:]), dtype=self._dtype, device=self._device)
        for place, part in zip(joined.split([part.shape[0] for part in parts]), parts, strict=True):
            place.copy_(part)
        return joined

    def _view(self, tensor: Tensor) -> torch.Tensor:
        flat = torch.frombuffer(
            self._files[tensor.file],
            dtype=_DTYPES[tensor.dtype],
            count=math.prod(tensor.shape),
            offset=tensor.offset,
        )
        return flat.reshape(tensor.shape)


def _map(checkpoint: Checkpoint, name: str) -> mmap.mmap:
    with (checkpoint.folder / name).open("rb") as file:
        # Private and writable, though nobody writes: PyTorch warns of memory that is read-only.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
