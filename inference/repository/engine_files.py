"""What Triton finds in the folder of a model's version."""

from dataclasses import dataclass

from inference.repository.layout import Layout
from inference.serving import Bucket


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """Files by their names, the library that runs them, and the shapes that they were made for.

    `scales` is the SHA-256 of what FP8 is scaled by.
    """

    files: Layout
    library: str
    buckets: tuple[Bucket, ...] = ()
    target: str | None = None
    scales: str | None = None
