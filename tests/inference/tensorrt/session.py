"""Runs a graph whose weights lie in a checkpoint, row by row, on the CPU."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from inference import tensors

Vectors = NDArray[np.float32]


def embed(model: onnx.ModelProto, folder: Path, rows: Iterable[list[int]]) -> Vectors:
    """Return a vector for each row."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(folder)
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.concatenate(
        [
            session.run(
                [tensors.EMBEDDING],
                {
                    tensors.INPUT_IDS: np.array([row], dtype=np.int32),
                    tensors.LENGTHS: np.array([[len(row)]], dtype=np.int32),
                },
            )[0]
            for row in rows
        ]
    )
