"""Measures the same as `reach`, with NVIDIA's model optimizer: faster, on the GPU.

Neither the optimizer nor a GPU is there where this project is tested, so this file is not: it has
been written against the optimizer's documentation, and what it returns is compared with what the
checkpoint holds before it is used.
"""

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from inference.checkpoint.folder import Checkpoint
from inference.graph.scales import Reach
from inference.progress import Progress
from inference.tensorrt.reach import CalibrationError


def measure_with_optimizer(
    checkpoint: Checkpoint, sequences: list[list[int]], progress: Progress
) -> dict[str, Reach]:
    """Run token sequences through the model in bfloat16 on the GPU; return reaches by weight.

    Raises:
        CalibrationError: the optimizer, PyTorch or transformers is not installed here.
    """
    torch = _require("torch")
    transformers = _require("transformers")
    quantization = _require("modelopt.torch.quantization")
    with progress.step("loading the checkpoint"):
        model = transformers.AutoModel.from_pretrained(
            Path(checkpoint.folder), torch_dtype=torch.bfloat16
        ).cuda()
    with progress.step(f"running {len(sequences)} texts"), torch.no_grad():
        quantization.quantize(
            model, quantization.FP8_DEFAULT_CFG, lambda each: _run(torch, each, sequences)
        )
    return {
        f"{name}.weight": Reach(_reach(module.input_quantizer), _reach(module.weight_quantizer))
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }


def _run(torch: ModuleType, model: Any, sequences: Iterable[list[int]]) -> None:  # noqa: ANN401
    for sequence in sequences:
        model(torch.tensor([sequence], device="cuda"))


def _reach(quantizer: Any) -> float:  # noqa: ANN401
    return float(quantizer.amax.max().item())


def _require(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CalibrationError(
            f"{module} is not installed here: NVIDIA's model optimizer needs a GPU, PyTorch,"
            " transformers and nvidia-modelopt"
        ) from error
