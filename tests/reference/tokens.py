"""Asks Hugging Face transformers, in the environment that has it, for token ids."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.reference.vectors import PYTHON

_WORKER: Final = Path(__file__).with_name("token_worker.py")
_TIMEOUT_SECONDS: Final = 120


Ids = list[list[int]]


def tokenise(jobs: Sequence[tuple[Path, Sequence[str]]], scratch: Path) -> list[Ids]:
    """Return each text's ids by its checkpoint's tokenizer, special tokens included.

    One process does all jobs, for it takes seconds to start.
    """
    request, answer = scratch / "request.json", scratch / "ids.json"
    request.write_text(json.dumps([(str(folder), list(texts)) for folder, texts in jobs]))
    done = subprocess.run(
        [PYTHON, _WORKER, request, answer],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ids: list[Ids] = json.loads(answer.read_text())
    return ids
