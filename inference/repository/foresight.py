"""Why an order cannot be fulfilled, found before anything long is begun."""

from dataclasses import replace
from pathlib import Path

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import TOKENIZER
from inference.checkpoint.qwen3 import Qwen3Config
from inference.checkpoint.safetensors import CheckpointError
from inference.engine.settings import Device
from inference.repository.needs import count_bytes, estimate, lacking, nearest
from inference.repository.order import Order
from inference.repository.proving import make_sequences
from inference.repository.store import CURRENT
from inference.tensorrt.api import find_compiler
from inference.tensorrt.room import Room
from inference.variant import Engine, Form, Precision, Variant

_PRECISIONS = {
    Engine.ONNXRUNTIME: (Precision.FP32,),
    Engine.TENSORRT: (Precision.BF16, Precision.FP16, Precision.FP32, Precision.FP8),
    Engine.TORCH: (Precision.BF16, Precision.FP32, Precision.FP8),
}


_CAPABILITY_LEAST = {Precision.BF16: 80, Precision.FP8: 89}
"""Of GPUs that compute in such numbers; every other kind computes in the others."""


class OrderError(ValueError):
    """An order that cannot be fulfilled; the text is one sentence that says what to do instead."""


def default_precision(engine: Engine, device: Device) -> Precision:
    """Return what an engine computes in unless it is told: bf16 on a GPU, fp32 on a CPU."""
    if engine is Engine.TORCH and device is Device.CPU:
        return Precision.FP32
    return _PRECISIONS[engine][0]


def check_order(order: Order, out: Path, *, room: bool = True) -> None:
    """Check all that can be known beforehand; with `room`, also memory and disk.

    Raises:
        OrderError: it cannot be fulfilled.
        CheckpointError: the tokenizer is damaged, or not this model's.
        CompileError: TensorRT is not here, or cannot compile for the target.
        OSError: a file cannot be read.
    """
    check_variant(order.checkpoint, order.variant)
    _check_out(order.checkpoint, out)
    _check_tokenizer(order)
    if order.variant.engine is Engine.TENSORRT:
        _check_target(order.variant.precision, find_compiler(order.target).identity.target)
        _check_scales(order)
    if room:
        _check_room(order, out)


def check_variant(checkpoint: Checkpoint, variant: Variant) -> None:
    """Check that there is such a variant.

    Raises:
        OrderError: there is none.
    """
    engine, known = variant.engine, _PRECISIONS[variant.engine]
    if variant.precision not in known:
        raise OrderError(
            f"{engine} computes in {' or '.join(known)} here, not in {variant.precision}:"
            f" --precision {known[0]}"
        )
    is_qwen3 = isinstance(checkpoint.config, Qwen3Config)
    if variant.precision is Precision.FP16 and is_qwen3:
        raise OrderError("Qwen3 overflows in fp16, to vectors that are none: --precision bf16")
    if engine is Engine.TORCH and not is_qwen3:
        raise OrderError("the PyTorch engine runs Qwen3 alone: take --engine onnxruntime")
    if variant.form is Form.PACKED and not (engine is Engine.TENSORRT and is_qwen3):
        raise OrderError(
            "the packed form is TensorRT's, and Qwen3's: leave --form away, or take --engine"
            " tensorrt"
        )


def _check_out(checkpoint: Checkpoint, out: Path) -> None:
    inside = out.resolve().is_relative_to(checkpoint.folder.resolve())
    if inside:
        raise OrderError(f"{out} is in the checkpoint's own folder: name another with --out")
    if out.exists() and not out.is_dir():
        raise OrderError(f"{out} is no folder: name another with --out")
    for name in (CURRENT, "triton", "card"):
        if (out / name).exists() and not (out / name).is_symlink():
            raise OrderError(f"{out} holds {name}, which is not ours: name another with --out")


def _check_target(precision: Precision, target: str) -> None:
    least = _CAPABILITY_LEAST.get(precision, 0)
    if int(target.removeprefix("sm")) < least:
        raise OrderError(f"{target} does not compute in {precision}, but sm{least} and later do")


def _check_scales(order: Order) -> None:
    if order.variant.precision is Precision.FP8 and not order.scales.exists():
        raise OrderError(
            f"fp8 needs {order.scales}: measure it with python -m inference.tensorrt.calibrate,"
            " or leave --precision away"
        )


def _check_room(order: Order, out: Path) -> None:
    need = estimate(order.checkpoint, order.variant.engine, order.variant.precision)
    if not _same_disk(order.checkpoint.folder, nearest(out)):
        need = replace(need, build_disk=need.build_disk + 2 * count_bytes(order.checkpoint))
    if (lack := lacking(need, Room.here(nearest(out)))) is not None:
        raise OrderError(f"{lack}; use a larger machine, or --force where you know better")


def _same_disk(one: Path, other: Path) -> bool:
    """Tell whether weights can be linked, and not copied to work with and once more to serve."""
    return one.stat().st_dev == other.stat().st_dev


def _check_tokenizer(order: Order) -> None:
    path = order.checkpoint.folder / TOKENIZER
    if not path.exists():
        raise CheckpointError(f"there is no {path}")
    make_sequences(path, order.card.context_tokens, order.card.vocabulary_size)
