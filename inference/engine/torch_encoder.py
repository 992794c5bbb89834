"""The model in PyTorch, straight from its checkpoint and without padding."""

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.checkpoint.safetensors import CheckpointError
from inference.engine.rows import Ids, Vectors
from inference.engine.settings import Device, EngineSettings
from inference.engine.torch_attention import Packed, choose_attention
from inference.engine.torch_fusion import choose_fusion, fuse
from inference.engine.torch_linear import Linear, ScaledLinear, quantise
from inference.engine.torch_qwen3 import Kernels, Multiply, Qwen3, load_qwen3
from inference.engine.torch_weights import Weights
from inference.variant import Precision

_FP8_SINCE: Final = (8, 9)
"""The first GPUs that multiply in 8 bits."""


class TorchEncoder:
    """Runs sequences through the model; what it is given must have been checked."""

    def __init__(self, model: Qwen3, device: torch.device) -> None:
        self._model = model
        self._device = device

    @classmethod
    def load(cls, folder: Path, settings: EngineSettings, gpu: int = 0) -> Self:
        """Load the checkpoint in a folder.

        Raises:
            CheckpointError: it is damaged, or no Qwen3.
            ValueError: the machine cannot compute so.
            OSError: a file cannot be read.
        """
        checkpoint = Checkpoint.open(folder)
        if not isinstance(checkpoint.config, Qwen3Config):
            raise CheckpointError(
                f"{folder} holds no Qwen3, and PyTorch runs nothing else here: take onnxruntime"
            )
        device = _open_device(settings, gpu)
        fused = choose_fusion(device)
        dtype, multiply = _numbers(settings.precision, fused=fused)
        with torch.inference_mode():
            model = load_qwen3(
                checkpoint.config,
                Weights(checkpoint, device, dtype),
                Kernels.make(choose_attention(device, dtype), fused=fused),
                multiply,
                settings.context_tokens,
            )
        return cls(model, device)

    def embed(self, sequences: list[Ids]) -> Vectors:
        """Return one unit vector a sequence; a row that is not finite went wrong in the model."""
        with torch.inference_mode():
            vectors: Vectors = self._model(self._pack(sequences)).cpu().numpy()
        return vectors

    def _pack(self, sequences: list[Ids]) -> Packed:
        lengths = [len(sequence) for sequence in sequences]
        ends = (0, *accumulate(lengths))
        positions = np.concatenate([np.arange(length, dtype=np.int32) for length in lengths])
        return Packed(
            ids=self._send(np.concatenate(sequences)),
            positions=self._send(positions),
            bounds=self._send(np.array(ends, dtype=np.int32)),
            ends=ends,
        )

    def _send(self, array: NDArray[np.int32]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)


def _open_device(settings: EngineSettings, gpu: int) -> torch.device:
    if settings.device is Device.CPU:
        torch.set_num_threads(settings.threads)
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError("device is cuda, but PyTorch sees no GPU")
    device = torch.device("cuda", gpu)
    torch.cuda.set_device(device)
    if settings.precision is Precision.FP8 and torch.cuda.get_device_capability() < _FP8_SINCE:
        raise ValueError(f"{torch.cuda.get_device_name(device)} does not multiply in fp8")
    return device


def _numbers(
    precision: Precision, *, fused: bool
) -> tuple[torch.dtype, Callable[[torch.Tensor], Multiply]]:
    """Return what is computed in, and how it is multiplied by a weight."""
    match precision:
        case Precision.FP32:
            return torch.float32, Linear
        case Precision.BF16:
            return torch.bfloat16, Linear
        case Precision.FP8:
            rounding = fuse(quantise, fused=fused, per_token=1)
            return torch.bfloat16, partial(ScaledLinear.of, quantise=rounding)
        case Precision.FP16:
            raise ValueError("precision is fp16, in which this model overflows: take bf16")
