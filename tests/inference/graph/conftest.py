"""Small random models, texts of every length, and what transformers makes of them: made once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnxruntime
import pytest

from inference.checkpoint.folder import Checkpoint
from inference.engine.rows import Ids, Vectors
from tests.inference.graph.run import load, write_single
from tests.inference.graph.shapes import BFLOAT16, SHAPES
from tests.inference.model.qwen3_checkpoint import END_ID
from tests.reference.vectors import Job
from tests.reference.vectors import embed as embed_with_transformers

_LENGTHS_ENDED: Final = (*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 511, 599, 600)


@dataclass(frozen=True, slots=True)
class Texts:
    """Token ids: `beginnings` of one text, of length 1..600, and `ended` by the end token."""

    beginnings: Sequence[Ids]
    ended: Sequence[Ids]


@dataclass(frozen=True, slots=True)
class References:
    """What transformers makes of the texts, by shape; `lowered` is computed in bfloat16."""

    beginnings: dict[str, Vectors]
    ended: dict[str, Vectors]
    lowered: Vectors


@pytest.fixture(scope="session")
def texts() -> Texts:
    """The texts."""
    random = np.random.default_rng(3)
    text = random.integers(0, END_ID, 600, dtype=np.int32)
    ended = [
        np.append(random.integers(0, END_ID, length - 1), END_ID).astype(np.int32)
        for length in _LENGTHS_ENDED
    ]
    return Texts([text[:length] for length in range(1, 601)], ended)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    """A checkpoint of each shape."""
    return {
        name: Checkpoint.open(write(tmp_path_factory.mktemp("shape")))
        for name, write in SHAPES.items()
    }


@pytest.fixture(scope="session")
def references(
    checkpoints: dict[str, Checkpoint], texts: Texts, tmp_path_factory: pytest.TempPathFactory
) -> References:
    """The reference vectors of every shape."""
    folders = [checkpoint.folder for checkpoint in checkpoints.values()]
    jobs = [
        *(Job(folder, [texts.beginnings[-1]], every_token=True) for folder in folders),
        *(Job(folder, texts.ended) for folder in folders),
        Job(checkpoints[BFLOAT16].folder, texts.ended, dtype="bfloat16"),
    ]
    *vectors, lowered = embed_with_transformers(jobs, tmp_path_factory.mktemp("jobs"))
    return References(
        beginnings=dict(zip(SHAPES, vectors[: len(SHAPES)], strict=True)),
        ended=dict(zip(SHAPES, vectors[len(SHAPES) :], strict=True)),
        lowered=lowered,
    )


@pytest.fixture(scope="session")
def sessions(checkpoints: dict[str, Checkpoint]) -> dict[str, onnxruntime.InferenceSession]:
    """Our graph of each shape, loaded."""
    return {
        name: load(write_single(checkpoint), checkpoint.folder)
        for name, checkpoint in checkpoints.items()
    }
