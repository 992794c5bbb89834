"""The graph in ONNX Runtime."""

from pathlib import Path
from typing import Self

import onnxruntime

from inference import tensors
from inference.engine.rows import Ids, Vectors, pad_rows


class Encoder:
    """Runs sequences through the model; what it is given must have been checked."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @classmethod
    def load(cls, model: Path, threads: int) -> Self:
        """Load a graph that computes with so many threads."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A waiting thread would spin on a core that Envoy, authz and the adapter need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        return cls(session)

    def embed(self, sequences: list[Ids]) -> Vectors:
        """Return one unit vector a sequence; a row that is not finite went wrong in the model."""
        ids, lengths = pad_rows(sequences)
        feeds = {tensors.INPUT_IDS: ids, tensors.LENGTHS: lengths}
        vectors: Vectors = self._session.run([tensors.EMBEDDING], feeds)[0]
        return vectors
