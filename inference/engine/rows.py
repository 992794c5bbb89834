"""A request's tensors, checked and taken apart: the model itself checks nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.engine.settings import EngineSettings

Ids = NDArray[np.int32]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that the model cannot run, and why."""

    message: str


def split_rows(ids: Ids, lengths: Ids, settings: EngineSettings) -> list[Ids] | Refusal:
    """Return the sequences of `ids` [rows, longest] with `lengths` [rows, 1], without padding."""
    rows, longest = ids.shape
    if lengths.shape != (rows, 1):
        return Refusal(f"lengths has shape {lengths.shape}, not ({rows}, 1)")
    sequences = []
    for row, length in zip(ids, lengths[:, 0].tolist(), strict=True):
        if not 1 <= length <= longest:
            return Refusal(f"a length is {length}, not in [1, {longest}]")
        if length > settings.context_tokens:
            return Refusal(f"{length} tokens are more than the model's {settings.context_tokens}")
        sequences.append(row[:length])
    real = np.concatenate(sequences)
    if real.min() < 0 or real.max() >= settings.vocabulary_size:
        return Refusal(f"a token id is not in [0, {settings.vocabulary_size})")
    return sequences


def pad_rows(sequences: list[Ids]) -> tuple[Ids, Ids]:
    """Return `input_ids` [rows, longest], padded on the right, and `lengths` [rows, 1]."""
    lengths = np.array([[len(sequence)] for sequence in sequences], dtype=np.int32)
    ids = np.zeros((len(sequences), int(lengths.max())), dtype=np.int32)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = sequence
    return ids, lengths
