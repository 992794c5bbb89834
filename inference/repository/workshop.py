"""What a build keeps for the next one: digests and plans; and where it works meanwhile."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx

from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import Checkpoint
from inference.engine.settings import GRAPH
from inference.progress import Progress
from inference.repository.store import place
from inference.tensorrt.lock import locked

_FOLDER: Final = "cache"
_SCRATCH: Final = "graph-"


@dataclass(frozen=True, slots=True)
class Workshop:
    """The folder `<out>/cache`; nothing in it is served, and all of it can be made anew."""

    folder: Path
    digests: Digests

    @property
    def plans(self) -> Path:
        """Where compiled plans are kept."""
        return self.folder / "plans"

    @contextmanager
    def graph_file(
        self, graph: onnx.ModelProto, checkpoint: Checkpoint, progress: Progress
    ) -> Iterator[Path]:
        """A graph with its weights beside it, linked where they can be, until the block ends."""
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=self.folder) as scratch:
            path = Path(scratch, GRAPH)
            path.write_bytes(graph.SerializeToString(deterministic=True))
            shards = [checkpoint.folder / name for name in checkpoint.files]
            total = sum(shard.stat().st_size for shard in shards)
            with progress.step("putting the weights beside the graph", total) as advance:
                for shard in shards:
                    place(shard, Path(scratch, shard.name), 0, advance)
            yield path


@contextmanager
def workshop_of(out: Path, progress: Progress) -> Iterator[Workshop]:
    """The workshop of a repository, with nobody else at work in it; a wait for them is shown.

    Raises:
        OSError: `out` cannot be written.
    """
    folder = out / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, progress):
        for left in folder.glob(f"{_SCRATCH}*"):  # by a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        yield Workshop(folder, Digests(folder / "digests.json"))
