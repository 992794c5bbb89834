"""A plain Triton client that keeps to the tensor contract, or breaks it where a test says so."""

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc.service_pb2 import ModelInferRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from inference import tensors
from inference.engine.rows import Ids, pad_rows

_TIMEOUT_SECONDS = 60


class TritonClient:
    """Blocking calls; safe to share among threads."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = grpc.insecure_channel(address)
        self._stub = GRPCInferenceServiceStub(self._channel)

    def embed(self, sequences: list[Ids]) -> NDArray[np.float32]:
        """Send sequences as the rows of one request."""
        ids, lengths = pad_rows(sequences)
        return self.infer(ids, lengths)

    def infer(self, ids: Ids, lengths: Ids) -> NDArray[np.float32]:
        """Send tensors as they are; raises grpc.RpcError where Triton answers with an error."""
        spec = ModelInferRequest.InferInputTensor
        request = ModelInferRequest(
            model_name=tensors.MODEL,
            inputs=[
                spec(name=tensors.INPUT_IDS, datatype="INT32", shape=ids.shape),
                spec(name=tensors.LENGTHS, datatype="INT32", shape=lengths.shape),
            ],
            raw_input_contents=[ids.tobytes(), lengths.tobytes()],
        )
        response = self._stub.ModelInfer(request, timeout=_TIMEOUT_SECONDS)
        shape = tuple(response.outputs[0].shape)
        return np.frombuffer(response.raw_output_contents[0], dtype="<f4").reshape(shape)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()
