"""Runs a graph in ONNX Runtime, with junk where nothing should look."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import ModelProto

from inference import tensors
from inference.checkpoint.folder import Checkpoint
from inference.engine.rows import Ids, Vectors
from inference.graph.write import write_graph
from inference.variant import Form, Precision
from tests.inference.model.qwen3_checkpoint import CONTEXT, VOCABULARY


def write_single(checkpoint: Checkpoint) -> ModelProto:
    """Write the padded graph in single precision, as ONNX Runtime takes it."""
    return write_graph(
        checkpoint, Precision.FP32, Form.PADDED, for_tensorrt=False, positions_max=CONTEXT
    )


def load(model: ModelProto, folder: Path, name: str = "model.onnx") -> onnxruntime.InferenceSession:
    """Load a graph beside its weights."""
    (folder / name).write_bytes(model.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(folder / name), options, providers=["CPUExecutionProvider"]
    )


def embed(session: onnxruntime.InferenceSession, sequences: Sequence[Ids]) -> Vectors:
    """Return the sequences' vectors, run as one batch that is padded with other tokens."""
    lengths = np.array([[len(sequence)] for sequence in sequences], dtype=np.int32)
    shape = len(sequences), int(lengths.max())
    ids = np.random.default_rng(2).integers(0, VOCABULARY, shape, dtype=np.int32)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = sequence
    feeds = {tensors.INPUT_IDS: ids, tensors.LENGTHS: lengths}
    vectors: Vectors = session.run([tensors.EMBEDDING], feeds)[0]
    return vectors


def embed_in_batches(
    session: onnxruntime.InferenceSession, sequences: Sequence[Ids], size: int
) -> Vectors:
    """Return the vectors of any number of sequences, of which so many run together."""
    starts = range(0, len(sequences), size)
    return np.concatenate([embed(session, sequences[start : start + size]) for start in starts])
