"""Whether Triton can load what is built: known before it is, and still to be seen afterwards."""

from typing import Final

from inference.provenance import Provenance
from inference.repository.order import Order
from inference.tensorrt.api import Library, find_compiler
from inference.variant import Engine

_NOT_FOR_TRITON: Final = (
    "Triton cannot load a plan of TensorRT-RTX, which only shows that the model compiles: to serve"
    " it, compile with TensorRT in NVIDIA's Triton container, or with another --engine"
)


def foresee_plan(order: Order) -> str | None:
    """Say why Triton will not load what an order comes to, where it will not.

    Raises:
        CompileError: no library is here, or it cannot compile for the target.
    """
    if order.variant.engine is not Engine.TENSORRT:
        return None
    return _judge(find_compiler(order.target).identity.library)


def judge_plan(origin: Provenance) -> str | None:
    """Say why Triton cannot load what was built, where it cannot."""
    return _judge(origin.engine.partition(" ")[0])


def _judge(library: str) -> str | None:
    return _NOT_FOR_TRITON if library == Library.RTX else None
