"""The pinned vectors of the reference implementation, and how near ours must come."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.golden.texts import TEXTS

COSINE_MIN: Final = 0.99999
ERROR_MAX: Final = 1e-5
"""A wrong epsilon moves no cosine that far, but a component."""
BATCH_COSINE_MIN: Final = 0.9999


@dataclass(frozen=True, slots=True)
class Golden:
    """One text with the reference's token ids and unit vector."""

    text: str
    ids: NDArray[np.int32]
    vector: NDArray[np.float32]


def read_golden() -> list[Golden]:
    """Read what `make` wrote."""
    with np.load(Path(__file__).with_name("minilm.npz")) as file:
        ends = np.cumsum(file["lengths"].astype(int))[:-1]
        ids = np.split(file["ids"].astype(np.int32), ends)
        return [Golden(*golden) for golden in zip(TEXTS, ids, file["vectors"], strict=True)]
