"""Makes what an engine loads: only TensorRT's takes long."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from inference.checkpoint.folder import CONFIG
from inference.checkpoint.pipeline import MODULES, POOLING
from inference.checkpoint.shards import INDEX, index_of
from inference.engine.settings import GRAPH
from inference.graph.write import write_graph
from inference.progress import Progress
from inference.repository.engine_files import EngineFiles
from inference.repository.layout import Layout
from inference.repository.order import Order
from inference.repository.workshop import Workshop
from inference.variant import Engine, Form

_ENTRY: Final = '''"""What Triton loads; the code is the installed package's."""

from inference.engine.triton import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


def make_files(order: Order, revision: str, workshop: Workshop, progress: Progress) -> EngineFiles:
    """Make what the variant's engine loads.

    Raises:
        CheckpointError: the graph cannot express the checkpoint.
        CompileError: TensorRT cannot compile it.
        OSError: a file cannot be read or written.
    """
    match order.variant.engine:
        case Engine.ONNXRUNTIME:
            return _for_onnxruntime(order)
        case Engine.TORCH:
            return _for_torch(order)
        case Engine.TENSORRT:
            # Only those who compile need its library.
            from inference.repository.compiled import make_plan  # noqa: PLC0415

            return make_plan(order, revision, workshop, progress)


def _for_onnxruntime(order: Order) -> EngineFiles:
    graph = write_graph(
        order.checkpoint,
        order.variant.precision,
        Form.PADDED,
        for_tensorrt=False,
        positions_max=order.card.context_tokens,
    )
    written = {"model.py": _ENTRY.encode(), GRAPH: graph.SerializeToString(deterministic=True)}
    folder = order.checkpoint.folder
    taken = {name: folder / name for name in order.checkpoint.files}
    return EngineFiles(Layout(written, taken), _installed("onnxruntime"))


def _for_torch(order: Order) -> EngineFiles:
    """Hand the checkpoint over, without shards that hold nothing of it: the engine reads it."""
    folder, files = order.checkpoint.folder, order.checkpoint.files
    others = [name for name in (MODULES, POOLING) if (folder / name).exists()]
    names = (CONFIG, *files, *others)
    written = {"model.py": _ENTRY.encode()}
    if (index := index_of(folder, files)) is not None:
        written[INDEX] = index
    return EngineFiles(Layout(written, {n: folder / n for n in names}), _installed("torch"))


def _installed(library: str) -> str:
    """Return the library with the version that is here, which need not be where it will run."""
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return library
