"""Runs our engine where PyTorch is installed: `python runner.py REQUEST.json`.

The request lists jobs, and names a file of sequences and one to write the vectors to. A job that
cannot be done is answered by its exception's sentence.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.engine.load import Model, load_engine
from inference.engine.rows import Ids, Vectors
from inference.engine.settings import Device, EngineSettings
from inference.variant import Engine, Precision


def main(request_file: Path) -> None:
    """Do all jobs."""
    request = json.loads(request_file.read_text())
    files = request["files"]
    with np.load(files["sequences.npz"]) as file:
        sequences = np.split(file["ids"], np.cumsum(file["lengths"])[:-1])
    vectors, errors = {}, {}
    for name, job in request["jobs"].items():
        try:
            vectors[name] = _run(job, sequences)
        except ValueError as error:
            errors[name] = str(error)
    np.savez(files["vectors.npz"], **vectors)
    Path(files["errors.json"]).write_text(json.dumps(errors))


def _run(job: dict[str, Any], sequences: Sequence[Ids]) -> Vectors:
    chosen = [sequences[index] for index in job["rows"]]
    engine = _load(Path(job["checkpoint"]), job["precision"], job["device"])
    vectors = np.empty((len(chosen), job["width"]), dtype=np.float32)
    for run in job["runs"]:
        vectors[run] = engine.embed([chosen[place] for place in run])
    return vectors


def _load(folder: Path, precision: str, device: str) -> Model:
    settings = EngineSettings(
        vocabulary_size=1,
        context_tokens=1024,
        width=1,
        threads=1,
        run_tokens_max=1,
        engine=Engine.TORCH,
        precision=Precision(precision),
        device=Device(device),
    )
    return load_engine(settings, folder).model


if __name__ == "__main__":
    main(Path(sys.argv[1]))
