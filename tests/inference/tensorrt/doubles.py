"""Stand-ins: a compiler whose plans show what they were made from, and somebody who waits."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import onnx
from google.protobuf.message import DecodeError

from inference.progress import Advance
from inference.tensorrt.compiler import CompileError, Identity, Profile, Watch, Write

GPU = Identity("fake", "1.0", "sm90")
_TIMEOUT_SECONDS = 10


def _nothing() -> None:
    pass


@dataclass
class FakeCompiler:
    """Writes a digest of what it was given, in two parts; `meanwhile` runs between them."""

    identity: Identity = GPU
    meanwhile: Callable[[], None] = _nothing
    compiled: int = 0
    given_timings: list[bytes] = field(default_factory=list)

    def compile(
        self,
        graph: Path,
        profiles: Sequence[Profile],
        write: Write,
        watch: Watch,
        timings: bytes,
    ) -> bytes:
        """Do what a compiler does."""
        self.compiled += 1
        self.given_timings.append(timings)
        watch.tell("reading the graph")
        for name in _dimensions(graph):
            if any(name not in profile for profile in profiles):
                raise CompileError(f"the graph has a dimension {name!r} too many")
        plan = hashlib.sha256(graph.read_bytes() + repr(profiles).encode()).digest()
        write(plan[:16])
        self.meanwhile()
        if not watch.goes_on():
            raise CompileError("the compilation was stopped")
        write(memoryview(plan)[16:])
        return timings + b"."


@dataclass
class Shown:
    """Remembers each step that was shown; `interrupted_at` is one at which the user gives up."""

    steps: list[str] = field(default_factory=list)
    interrupted_at: str | None = None
    any: Event = field(default_factory=Event)

    def wait(self) -> None:
        """Wait until a step is shown."""
        assert self.any.wait(_TIMEOUT_SECONDS)

    @contextmanager
    def step(self, what: str, total: int | None = None) -> Iterator[Advance]:  # noqa: ARG002
        """Show a step."""
        self.steps.append(what)
        self.any.set()
        if self.interrupted_at is not None and self.interrupted_at in what:
            raise KeyboardInterrupt
        yield lambda _: None


def _dimensions(graph: Path) -> set[str]:
    try:
        inputs = onnx.load(str(graph), load_external_data=False).graph.input
    except DecodeError as error:
        raise CompileError(f"{graph} is no graph") from error
    return {
        size.dim_param
        for each in inputs
        for size in each.type.tensor_type.shape.dim
        if size.dim_param
    }
