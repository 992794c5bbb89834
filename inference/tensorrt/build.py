"""Makes one plan: checks, compiles, and tells whoever waits what is under way."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from inference.progress import Progress
from inference.serving import Bucket
from inference.tensorrt.compiler import Compiler
from inference.tensorrt.graph_file import GraphFile
from inference.tensorrt.profiles import make_profiles
from inference.tensorrt.room import Room
from inference.tensorrt.watched import run_watched
from inference.variant import Form, Precision


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a plan is made from.

    `revision` names the checkpoint whose weights the graph points at, `precision` what the graph
    computes in. One profile is made for each bucket; a packed one's length is that of all rows.
    """

    graph: Path
    revision: str
    precision: Precision
    form: Form
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """A plan that was written: its size, its digest, and what the next build of its kind reuses."""

    size: int
    sha256: str
    timings: bytes


def build_plan(
    compiler: Compiler,
    recipe: Recipe,
    plan: Path,
    progress: Progress,
    *,
    timings: bytes = b"",
    room: Room | None = None,
) -> Built:
    """Compile a recipe into the file `plan`, which is on disk when this returns.

    With `room`, nothing is begun that needs more. When the wait is interrupted, the compiler is
    stopped at its next step; whoever made `plan`'s folder removes what is half written.

    Raises:
        CompileError: the plan cannot be made, for the reason that it says.
        OSError: a file cannot be read or written.
    """
    graph = GraphFile.read(recipe.graph)
    profiles = make_profiles(recipe.form, recipe.buckets, graph.positions)
    if room is not None:
        room.require(Room.needed(graph.weight_bytes))
    digest = hashlib.sha256()
    with plan.open("wb") as file:

        def write(data: bytes | memoryview) -> None:
            file.write(data)
            digest.update(data)

        returned = run_watched(
            lambda watch: compiler.compile(recipe.graph, profiles, write, watch, timings),
            progress,
            f"compiling with {compiler.identity}",
        )
        file.flush()
        os.fsync(file.fileno())
    return Built(plan.stat().st_size, digest.hexdigest(), returned)
