"""Which checkpoint this is, whatever its folder is called."""

import hashlib

from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import CONFIG, Checkpoint
from inference.checkpoint.known import TOKENIZER
from inference.progress import Progress


def find_revision(checkpoint: Checkpoint, digests: Digests, progress: Progress) -> str:
    """Return a SHA-256 over what makes the vectors: configuration, tokenizer, weights.

    Raises:
        OSError: a file cannot be read.
    """
    names = sorted({CONFIG, TOKENIZER, *checkpoint.files})
    lines = [f"{name} {digests.of(checkpoint.folder / name, progress)}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
