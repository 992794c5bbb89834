"""Jobs for the Python that has PyTorch, all done by one process: to import it takes seconds."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from inference.engine.rows import Ids, Vectors
from tests.reference.vectors import PYTHON

_RUNNER: Final = Path(__file__).with_name("runner.py")
_TIMEOUT_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Job:
    """A checkpoint, which of the sequences it runs, and so many of them together, in any order."""

    checkpoint: Path
    rows: Sequence[int]
    width: int
    together: int = 23
    precision: str = "fp32"
    device: str = "cpu"

    def entry(self) -> dict[str, object]:
        """Return it as the runner reads it; `runs` are places among `rows`."""
        order = np.random.default_rng(3).permutation(len(self.rows)).tolist()
        firsts = range(0, len(order), self.together)
        runs = [order[first : first + self.together] for first in firsts]
        return asdict(self) | {
            "checkpoint": str(self.checkpoint),
            "rows": list(self.rows),
            "runs": runs,
        }


@dataclass(frozen=True, slots=True)
class Done:
    """Each job has either vectors or the sentence of its error."""

    vectors: Mapping[str, Vectors]
    errors: Mapping[str, str]


def do(jobs: Mapping[str, Job], sequences: Sequence[Ids], folder: Path) -> Done:
    """Do the jobs in the other Python."""
    files = {name: str(folder / name) for name in ("sequences.npz", "vectors.npz", "errors.json")}
    request = {"jobs": {name: job.entry() for name, job in jobs.items()}, "files": files}
    np.savez(
        files["sequences.npz"],
        ids=np.concatenate(sequences),
        lengths=[len(sequence) for sequence in sequences],
    )
    (folder / "request.json").write_text(json.dumps(request))
    done = subprocess.run(
        [str(PYTHON), str(_RUNNER), str(folder / "request.json")],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(files["vectors.npz"]) as file:
        vectors = dict(file)
    return Done(vectors, json.loads((folder / "errors.json").read_text()))
