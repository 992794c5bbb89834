"""How Triton serves a model: one description of it, from which each variant's files are made.

| variant               | who makes the batches                   | what Triton is told            |
|-----------------------|-----------------------------------------|--------------------------------|
| in the Python backend | Triton joins, the engine splits anew    | `dynamic_batching`             |
| TensorRT, padded      | the adapter: a profile is rows x length | no batching                    |
| TensorRT, packed      | Triton: rows of any lengths             | ragged inputs, a bounded queue |
"""

from dataclasses import dataclass
from typing import Final

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from inference.engine.settings import EngineSettings
from inference.repository.plans import packed_plan, padded_plan, warm_up_files
from inference.repository.python_backend import python_model
from inference.serving import Serving
from inference.variant import Engine, Form

CONFIG: Final = "config.pbtxt"


@dataclass(frozen=True, slots=True)
class Description:
    """A model as Triton has to know it; `instances` are the Python backend's."""

    serving: Serving
    settings: EngineSettings
    instances: int = 1

    def files(self) -> dict[str, bytes]:
        """Return what lies in the model's folder beside its versions."""
        text = text_format.MessageToString(self.configuration())
        return {CONFIG: text.encode(), **self._samples()}

    def configuration(self) -> ModelConfig:
        """Return the configuration in Triton's own terms."""
        served, width = self.serving, self.settings.width
        if served.variant.engine is not Engine.TENSORRT:
            return python_model(self.settings, served.rows_max, self.instances)
        if served.variant.form is Form.PADDED:
            return padded_plan(width, served.buckets)
        longest = min(served.tokens_max, self.settings.context_tokens)
        return packed_plan(width, served.rows_max, longest)

    def _samples(self) -> dict[str, bytes]:
        variant = self.serving.variant
        if (variant.engine, variant.form) != (Engine.TENSORRT, Form.PADDED):
            return {}
        return warm_up_files(self.serving.buckets)
