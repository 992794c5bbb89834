"""Asks Hugging Face transformers, in the environment that has PyTorch, for reference vectors."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

PYTHON: Final = Path(__file__).parents[2] / ".venv-torch/bin/python"
_WORKER: Final = Path(__file__).with_name("worker.py")
_TIMEOUT_SECONDS: Final = 300

Ids = NDArray[np.int32]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Job:
    """Sequences, each to be run by itself through a checkpoint that is loaded in a precision.

    With `every_token` there is a vector for each token: no token knows of those behind it, so these
    are the vectors of all the sequence's beginnings, for the price of one run.
    """

    checkpoint: Path
    sequences: Sequence[Ids]
    dtype: Literal["float32", "bfloat16"] = "float32"
    every_token: bool = False


def embed(jobs: Sequence[Job], folder: Path) -> list[Vectors]:
    """Return each job's unit vectors; one process does them all, for it takes seconds to start."""
    entries = [_write(job, folder / str(index)) for index, job in enumerate(jobs)]
    (folder / "request.json").write_text(json.dumps(entries))
    done = subprocess.run(
        [PYTHON, _WORKER, folder / "request.json"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [np.load(str(entry["vectors"])) for entry in entries]


def _write(job: Job, stem: Path) -> dict[str, str | bool]:
    sequences = stem.with_suffix(".npz")
    lengths = [len(sequence) for sequence in job.sequences]
    np.savez(sequences, ids=np.concatenate(job.sequences), lengths=lengths)
    return {
        "checkpoint": str(job.checkpoint),
        "dtype": job.dtype,
        "every_token": job.every_token,
        "sequences": str(sequences),
        "vectors": str(stem.with_suffix(".npy")),
    }
