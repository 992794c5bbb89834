"""Engines that were built, each kept under its key: an hour's work is done once.

<folder>/engines/<digest>/model.plan    complete from the moment its folder has this name
<folder>/engines/<digest>/engine.json   its key, size and SHA-256
<folder>/timings/<compiler>             how fast kernels were, for the compiler's next engine

Nothing is ever removed: whoever wants the disk back removes a folder.
"""

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from inference.checkpoint.digests import Digests
from inference.progress import Progress
from inference.tensorrt.build import Built, Recipe, build_plan
from inference.tensorrt.compiler import Compiler, Identity
from inference.tensorrt.graph_file import GraphFile
from inference.tensorrt.key import EngineKey
from inference.tensorrt.lock import locked
from inference.tensorrt.room import Room

_PLAN: Final = "model.plan"
_RECORD: Final = "engine.json"
_SCRATCH: Final = "unfinished-"

MeasureRoom = Callable[[Path], Room | None]
"""Measures what is free for a folder; nothing, where it does not matter."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A plan on disk, whole, and what it was made from."""

    plan: Path
    key: EngineKey
    sha256: str


class EngineCache:
    """Engines by their keys, for any number of processes."""

    def __init__(self, folder: Path, measure_room: MeasureRoom = Room.here) -> None:
        self._engines = folder / "engines"
        self._timings = folder / "timings"
        self._measure_room = measure_room

    def get(self, compiler: Compiler, recipe: Recipe, progress: Progress) -> Engine:
        """Return the engine of a recipe, which is built unless it is here, and whole.

        One is built at a time: two would share the machine's memory, and the second may turn out
        to be the first.

        Raises:
            CompileError: it cannot be built, for the reason that it says.
            OSError: a file cannot be read or written.
        """
        key = EngineKey.of(compiler.identity, recipe, GraphFile.read(recipe.graph))
        for folder in (self._engines, self._timings):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(self._engines, progress):
            for unfinished in self._engines.glob(f"{_SCRATCH}*"):  # by a process that was killed
                shutil.rmtree(unfinished, ignore_errors=True)
            kept = self._find(key, progress)
            return kept or self._build(key, compiler, recipe, progress)

    def _find(self, key: EngineKey, progress: Progress) -> Engine | None:
        """Return an engine that is whole; one that is not, as after a disk failed, is no engine."""
        folder = self._engines / key.digest
        try:
            record = orjson.loads((folder / _RECORD).read_bytes())
            if (folder / _PLAN).stat().st_size != record["size"]:
                return None
            if Digests().of(folder / _PLAN, progress) != record["sha256"]:
                return None
        except (FileNotFoundError, NotADirectoryError, KeyError, TypeError, ValueError):
            return None
        return Engine(folder / _PLAN, key, record["sha256"])

    def _build(
        self, key: EngineKey, compiler: Compiler, recipe: Recipe, progress: Progress
    ) -> Engine:
        folder = self._engines / key.digest
        timings = self._timings / _file_name(compiler.identity)
        with tempfile.TemporaryDirectory(
            dir=self._engines, prefix=_SCRATCH, ignore_cleanup_errors=True
        ) as scratch:
            new = Path(scratch, "new")
            new.mkdir()
            built = build_plan(
                compiler,
                recipe,
                new / _PLAN,
                progress,
                timings=timings.read_bytes() if timings.exists() else b"",
                room=self._measure_room(self._engines),
            )
            (new / _RECORD).write_bytes(_record(key, built))
            _keep_timings(timings, built.timings)
            if folder.exists():  # whole once, damaged since
                folder.rename(Path(scratch, "damaged"))
            new.rename(folder)
        return Engine(folder / _PLAN, key, built.sha256)


def _record(key: EngineKey, built: Built) -> bytes:
    fields = {"key": key.fields(), "size": built.size, "sha256": built.sha256}
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2)


def _keep_timings(path: Path, timings: bytes) -> None:
    """Replace them in one step: half of them would be refused, and all measured again."""
    if timings:
        new = path.with_name(f".{path.name}.new")
        new.write_bytes(timings)
        new.replace(path)


def _file_name(identity: Identity) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", str(identity))
