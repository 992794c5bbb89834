"""Runs a repository's model: here, or on a Triton that serves it."""

import asyncio
from importlib.util import find_spec
from typing import Final

import numpy as np
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from inference import tensors
from inference.adapter.channels import open_channels
from inference.adapter.embedder import Batch, EmbedderError
from inference.adapter.triton import TritonEmbedder
from inference.adapter.wire import Wire
from inference.engine.load import load_engine
from inference.engine.rows import Vectors
from inference.engine.settings import EngineSettings
from inference.progress import Progress
from inference.repository.description import CONFIG
from inference.repository.verification import Embed, Repository
from inference.variant import Engine

_LIBRARIES: Final = {Engine.ONNXRUNTIME: "onnxruntime", Engine.TORCH: "torch"}
_CALL_SECONDS: Final = 120.0


def run_here(repository: Repository, progress: Progress) -> Embed | str:
    """Load the model in this process, or say why it cannot be."""
    engine = repository.serving.variant.engine
    if engine not in _LIBRARIES:
        return "a plan runs in Triton alone: name one that serves it with --triton HOST:PORT"
    if find_spec(_LIBRARIES[engine]) is None:
        return f"{_LIBRARIES[engine]} is not installed here: name a Triton with --triton HOST:PORT"
    folder = repository.build / "triton" / tensors.MODEL
    config = text_format.Parse((folder / CONFIG).read_text(), ModelConfig())
    settings = {name: value.string_value for name, value in config.parameters.items()}
    try:
        with progress.step("loading the model"):
            model = load_engine(EngineSettings.parse(settings), folder / "1").model
    except ValueError as error:
        return f"the model cannot be loaded here: {error}"

    def embed(sequences: list[list[int]]) -> Vectors:
        with progress.step("running the model"):
            rows = [model.embed([np.array(ids, dtype=np.int32)]) for ids in sequences]
        return np.concatenate(rows)

    return embed


def asked_of_triton(repository: Repository, address: str) -> Embed:
    """Ask the Triton at an address."""
    width, wire = repository.card.dimensions_max, Wire.plan(repository.serving)

    async def ask(sequences: list[list[int]]) -> Vectors:
        channels = open_channels(address, 1)
        try:
            triton = TritonEmbedder(channels, width, _CALL_SECONDS, wire)
            return np.concatenate([await triton.embed(Batch((ids,))) for ids in sequences])
        except EmbedderError as error:
            raise ConnectionError(f"Triton at {address} gives no vectors: {error.detail}") from None
        finally:
            for channel in channels:
                await channel.close(grace=None)

    return lambda sequences: asyncio.run(ask(sequences))
