"""Compiles a checkpoint's graph with TensorRT, unless that has been done."""

from typing import Final

import onnx

from inference.graph.fp8 import quantize
from inference.graph.scales import Scales
from inference.graph.write import write_graph
from inference.progress import Progress
from inference.repository.engine_files import EngineFiles
from inference.repository.layout import Layout
from inference.repository.order import Order
from inference.repository.workshop import Workshop
from inference.serving import Bucket
from inference.tensorrt.api import find_compiler
from inference.tensorrt.buckets import plan_buckets
from inference.tensorrt.build import Recipe
from inference.tensorrt.cache import EngineCache
from inference.variant import Form, Precision

PLAN: Final = "model.plan"


def make_plan(order: Order, revision: str, workshop: Workshop, progress: Progress) -> EngineFiles:
    """Return the plan, which the workshop keeps for the next build.

    Raises:
        CheckpointError: the graph cannot express the checkpoint.
        CompileError: it cannot be compiled, for the reason that it says.
        ScalesError: FP8 needs other scales.
        OSError: a file cannot be read or written.
    """
    compiler = find_compiler(order.target)
    variant, context = order.variant, order.card.context_tokens
    packed = variant.form is Form.PACKED
    buckets = _one(order) if packed else plan_buckets(context, order.tokens_max, order.rows_max)
    with workshop.graph_file(_write(order, revision), order.checkpoint, progress) as path:
        recipe = Recipe(path, revision, variant.precision, variant.form, buckets)
        # Whether there is room was asked before, or is not to be.
        cache = EngineCache(workshop.plans, measure_room=lambda _: None)
        engine = cache.get(compiler, recipe, progress)
    made_by = compiler.identity
    return EngineFiles(
        files=Layout({}, {PLAN: engine.plan}),
        library=f"{made_by.library} {made_by.version}",
        buckets=() if packed else buckets,
        target=made_by.target,
        scales=workshop.digests.of(order.scales, progress) if _is_fp8(order) else None,
    )


def _write(order: Order, revision: str) -> onnx.ModelProto:
    graph = write_graph(
        order.checkpoint,
        Precision.BF16 if _is_fp8(order) else order.variant.precision,
        order.variant.form,
        for_tensorrt=True,
        positions_max=order.card.context_tokens,
    )
    return quantize(graph, Scales.read(order.scales, revision)) if _is_fp8(order) else graph


def _is_fp8(order: Order) -> bool:
    return order.variant.precision is Precision.FP8


def _one(order: Order) -> tuple[Bucket, ...]:
    """Return the one shape of a packed plan; its length is that of all rows together."""
    return (Bucket(max(order.tokens_max, order.card.context_tokens), order.rows_max),)
