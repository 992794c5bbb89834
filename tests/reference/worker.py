"""What Hugging Face transformers makes of a checkpoint: `python worker.py REQUEST.json`.

Runs in the environment that has PyTorch, and imports nothing of this project. The request lists
jobs; for each, every sequence of a file is run by itself, and the unit vectors of its last token,
or of every token, are written to another file.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel


def main(request: Path) -> None:
    """Do all jobs."""
    torch.set_num_threads(1)
    for job in json.loads(request.read_text()):
        with np.load(job["sequences"]) as file:
            sequences = np.split(file["ids"], np.cumsum(file["lengths"])[:-1])
        first = 0 if job["every_token"] else -1
        model = _load(job["checkpoint"], job["dtype"])
        np.save(job["vectors"], np.concatenate(_embed(model, sequences, first)))


def _load(folder: str, dtype: str) -> Any:  # noqa: ANN401 - the package has no types
    model, notes = AutoModel.from_pretrained(
        folder, dtype=getattr(torch, dtype), output_loading_info=True
    )
    # It would go on with random numbers in their place.
    if notes["missing_keys"] or notes["mismatched_keys"]:
        raise ValueError(f"{folder} is no whole checkpoint: {notes}")
    return model


def _embed(model: Any, sequences: list[Any], first: int) -> list[Any]:  # noqa: ANN401
    vectors = []
    for ids in sequences:
        with torch.inference_mode():
            states = model(torch.from_numpy(ids.astype(np.int64))[None], use_cache=False)
        chosen = states.last_hidden_state[0, first:].float()
        vectors.append(torch.nn.functional.normalize(chosen, dim=1).numpy())
    return vectors


if __name__ == "__main__":
    main(Path(sys.argv[1]))
