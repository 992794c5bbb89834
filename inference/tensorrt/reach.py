"""Measures how far the inputs and weights of linear layers reach, with ONNX Runtime on a CPU."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inference import tensors
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.safetensors import Tensor
from inference.graph.linears import find_linears
from inference.graph.scales import Reach
from inference.graph.write import write_graph
from inference.progress import Progress
from inference.variant import Form, Precision

_WEIGHTS_FOLDER: Final = "session.model_external_initializers_file_folder_path"
_BLOCK_NUMBERS: Final = 2**22
_ALL_BUT_SIGN: Final = {2: 0x7FFF, 4: 0x7FFFFFFF}


class CalibrationError(Exception):
    """Nothing could be measured; the text is one sentence that says why."""


def measure_reaches(
    checkpoint: Checkpoint, sequences: list[list[int]], progress: Progress
) -> dict[str, Reach]:
    """Run token sequences through the model in single precision; return reaches by weight.

    It takes memory for all weights in single precision, and runs a row at a time.

    Raises:
        CalibrationError: there is nothing to run, or a number is not finite.
        OSError: a weight cannot be read.
    """
    if not sequences:
        raise CalibrationError("there is no text to measure with")
    model = write_graph(
        checkpoint,
        Precision.FP32,
        Form.PADDED,
        for_tensorrt=False,
        positions_max=max(map(len, sequences)),
    )
    linears = list(find_linears(model.graph))
    values = sorted({linear.input for linear in linears})
    with progress.step(f"running {len(sequences)} texts"):
        inputs = _measure_inputs(model, checkpoint.folder, values, sequences)
    with progress.step(f"reading the weights of {len(linears)} layers"):
        return {
            name: Reach(
                _finite(name, inputs[linear.input]),
                _finite(name, measure_weight(checkpoint.folder, checkpoint.tensors[name])),
            )
            for linear in linears
            for name in linear.weights
        }


def measure_weight(folder: Path, tensor: Tensor) -> float:
    """Return the largest absolute value of a tensor, which is read in parts.

    Raises:
        OSError: it cannot be read.
    """
    width = tensor.length // math.prod(tensor.shape)
    bits = np.memmap(
        folder / tensor.file,
        dtype=f"<u{width}",
        mode="r",
        offset=tensor.offset,
        shape=(tensor.length // width,),
    )
    # Without their signs, floats have the order of the integers that their bits are.
    largest = max(
        int((bits[start : start + _BLOCK_NUMBERS] & _ALL_BUT_SIGN[width]).max())
        for start in range(0, len(bits), _BLOCK_NUMBERS)
    )
    return _from_bits(largest, tensor.dtype)


def _from_bits(bits: int, dtype: str) -> float:
    match dtype:
        case "BF16":
            return float(np.array(bits << 16, dtype=np.uint32).view(np.float32))
        case "F16":
            return float(np.array(bits, dtype=np.uint16).view(np.float16))
        case _:
            return float(np.array(bits, dtype=np.uint32).view(np.float32))


def _measure_inputs(
    model: onnx.ModelProto, folder: Path, values: list[str], sequences: Iterable[list[int]]
) -> dict[str, float]:
    """Return the largest absolute value that each of the graph's values takes."""
    session = _observing_session(model, folder, values)
    reached: NDArray[np.float32] = np.zeros(len(values), dtype=np.float32)
    for sequence in sequences:
        feeds = {
            tensors.INPUT_IDS: np.array([sequence], dtype=np.int32),
            tensors.LENGTHS: np.array([[len(sequence)]], dtype=np.int32),
        }
        # maximum, unlike fmax, keeps a NaN
        reached = np.maximum(reached, np.array(session.run(None, feeds), dtype=np.float32))
    return dict(zip(values, reached.tolist(), strict=True))


def _observing_session(
    model: onnx.ModelProto, folder: Path, values: list[str]
) -> onnxruntime.InferenceSession:
    """Load the graph with nothing to return but how far each value reaches."""
    graph = model.graph
    del graph.output[:]
    for index, value in enumerate(values):
        size, reach = f"reach.{index}.size", f"reach.{index}"
        graph.node.append(helper.make_node("Abs", [value], [size], name=size))
        graph.node.append(helper.make_node("ReduceMax", [size], [reach], name=reach, keepdims=0))
        graph.output.append(helper.make_tensor_value_info(reach, TensorProto.FLOAT, []))
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(_WEIGHTS_FOLDER, str(folder))
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _finite(name: str, reach: float) -> float:
    if not math.isfinite(reach):
        raise CalibrationError(f"layer {name} computes with a number that is not finite")
    return reach
