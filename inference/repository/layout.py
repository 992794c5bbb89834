"""What a repository holds, before it is on disk."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """A repository's files by their path in it: some written, some taken from elsewhere."""

    written: dict[str, bytes]
    taken: dict[str, Path] = field(default_factory=dict)

    def with_written(self, files: dict[str, bytes]) -> "Layout":
        """Return the layout with more files, or others in the place of its own."""
        taken = {path: source for path, source in self.taken.items() if path not in files}
        return Layout({**self.written, **files}, taken)
