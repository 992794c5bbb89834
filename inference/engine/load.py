"""Loads the engine that the settings name, and nothing of the others."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, assert_never

from inference.engine.plan import Plan, plan_packed_runs, plan_runs
from inference.engine.rows import Ids, Vectors
from inference.engine.settings import GRAPH, EngineSettings
from inference.variant import Engine


class Model(Protocol):
    """What every engine is to its callers."""

    def embed(self, sequences: list[Ids]) -> Vectors:
        """Return one unit vector a sequence; a row that is not finite went wrong in the model."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """An engine, and how its runs are planned."""

    model: Model
    plan: Plan


def load_engine(settings: EngineSettings, folder: Path, gpu: int = 0) -> Loaded:
    """Load the model that lies in `folder`: a graph, or a checkpoint.

    Raises:
        ValueError: the model, the precision or the device is not one of this engine's, or its
            library is not installed.
        OSError: a file cannot be read.
    """
    # Each engine imports its own library: the others need not be installed, nor take memory.
    match settings.engine:
        case Engine.ONNXRUNTIME:
            with _named(settings.engine):
                from inference.engine.encoder import Encoder  # noqa: PLC0415

            return Loaded(Encoder.load(folder / GRAPH, settings.threads), plan_runs)
        case Engine.TORCH:
            with _named(settings.engine):
                from inference.engine.torch_encoder import TorchEncoder  # noqa: PLC0415

            return Loaded(TorchEncoder.load(folder, settings, gpu), plan_packed_runs)
        case Engine.TENSORRT:
            raise ValueError("an engine of TensorRT runs in Triton's own backend, not in Python")
        case other:
            assert_never(other)


@contextmanager
def _named(engine: Engine) -> Iterator[None]:
    """Say which library is missing where, if one is."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ValueError(
            f"the engine is {engine}, and {error.name} is not installed in {sys.prefix}: install it"
            " there, or compile the model for another engine"
        ) from error
