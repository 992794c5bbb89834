"""From a checkpoint to its graph."""

import onnx

from inference.checkpoint.bert import BertConfig
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.graph.bert import write_bert
from inference.graph.builder import GraphBuilder
from inference.graph.packed import PackedBatch
from inference.graph.padded import PaddedBatch
from inference.graph.qwen3 import write_qwen3
from inference.graph.unpadded import UnpaddedBatch
from inference.variant import Form, Precision


def write_graph(
    checkpoint: Checkpoint,
    precision: Precision,
    form: Form,
    *,
    for_tensorrt: bool,
    positions_max: int,
) -> onnx.ModelProto:
    """Write the graph of a checkpoint, for rows of up to `positions_max` tokens.

    Weights are left where they are: the graph names the checkpoint's `files`, which must lie beside
    it, as files and not as symbolic links. Inputs and output are those of `inference.tensors`;
    padding may be any id of the vocabulary. A row whose vector went wrong is NaN as a whole.

    Raises:
        ValueError: there is no such graph.
    """
    context = checkpoint.config.context_tokens
    if not 1 <= positions_max <= context:
        raise ValueError(f"the model knows 1..{context} positions, not {positions_max}")
    graph = GraphBuilder(checkpoint.tensors, precision, for_tensorrt=for_tensorrt)
    match checkpoint.config:
        case BertConfig() as bert:
            write_bert(graph, bert, _bert_batch(graph, form))
            return graph.model("bert")
        case Qwen3Config() as qwen3:
            write_qwen3(graph, qwen3, _qwen3_batch(graph, form), positions_max)
            return graph.model("qwen3")


def _bert_batch(graph: GraphBuilder, form: Form) -> PaddedBatch | UnpaddedBatch:
    if form is Form.PACKED:
        raise ValueError("BERT has no packed graph")
    return PaddedBatch.declare(graph) if graph.for_tensorrt else UnpaddedBatch.declare(graph)


def _qwen3_batch(graph: GraphBuilder, form: Form) -> PaddedBatch | PackedBatch:
    if form is Form.PACKED and not graph.for_tensorrt:
        raise ValueError("only TensorRT runs a packed graph")
    return PackedBatch.declare(graph) if form is Form.PACKED else PaddedBatch.declare(graph)
