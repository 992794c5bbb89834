"""What any compiler does, the real one and the one that tests use in its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inference.tensorrt.api import find_compiler
from inference.tensorrt.build import Recipe
from inference.tensorrt.compiler import CompileError, Compiler, Profile, Range
from inference.variant import Precision
from tests.inference.tensorrt.doubles import FakeCompiler

PROFILES: Sequence[Profile] = ({"rows": Range(1, 2, 4), "longest": Range(1, 8, 8)},)


@pytest.fixture(params=["real", "fake"])
def compiler(request: pytest.FixtureRequest) -> Compiler:
    """TensorRT-RTX, and what stands in for it."""
    return find_compiler("sm89") if request.param == "real" else FakeCompiler()


@dataclass
class Waiting:
    """Takes the plan, and hears of its phases; gives up after so many."""

    patience: int = 10**6
    plan: bytes = b""
    phases: list[str] = field(default_factory=list)

    def write(self, data: bytes | memoryview) -> None:
        """Take a part of the plan."""
        self.plan += bytes(data)

    def tell(self, phase: str) -> None:
        """Hear of a phase."""
        self.phases.append(phase)

    def goes_on(self) -> bool:
        """Say whether patience lasts."""
        return len(self.phases) < self.patience

    def compile(
        self, compiler: Compiler, graph: Path, profiles: Sequence[Profile] = PROFILES
    ) -> bytes:
        """Return the plan."""
        compiler.compile(graph, profiles, self.write, self, b"")
        return self.plan


def test_the_same_graph_and_profiles_give_the_same_plan(compiler: Compiler, recipe: Recipe) -> None:
    """So a plan can be named after what it was made from; and each phase is told of."""
    waiting = Waiting()
    assert waiting.compile(compiler, recipe.graph) == Waiting().compile(compiler, recipe.graph)
    assert waiting.plan
    assert waiting.phases[0] == "reading the graph"


def test_nothing_unwanted_is_compiled(compiler: Compiler, recipe: Recipe) -> None:
    """Whoever gives up is not left with a plan that looks like one."""
    with pytest.raises(CompileError, match="was stopped"):
        Waiting(patience=1).compile(compiler, recipe.graph)


def test_a_disk_that_is_full_is_told(compiler: Compiler, recipe: Recipe) -> None:
    """The builder itself calls a plan built of which no byte could be written."""

    def fail(_: bytes | memoryview) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        compiler.compile(recipe.graph, PROFILES, fail, Waiting(), b"")


def test_a_dimension_without_sizes_is_named(compiler: Compiler, recipe: Recipe) -> None:
    """It would be compiled for whatever the library takes for its size."""
    with pytest.raises(CompileError, match="'longest' too many"):
        Waiting().compile(compiler, recipe.graph, [{"rows": Range(1, 2, 4)}])


def test_what_is_no_graph_is_refused(compiler: Compiler, tmp_path: Path) -> None:
    """The sentence names the file."""
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(CompileError, match=r"model\.onnx"):
        Waiting().compile(compiler, tmp_path / "model.onnx")


def test_an_earlier_error_is_not_told_again(recipe: Recipe, tmp_path: Path) -> None:
    """The library's log lives as long as the process; a failure tells its own reason."""
    compiler = find_compiler("sm89")
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(CompileError) as first:
        Waiting().compile(compiler, tmp_path / "model.onnx")
    with pytest.raises(CompileError) as second:
        Waiting().compile(find_compiler("sm75"), recipe.graph)
    assert str(first.value) not in str(second.value)
    assert "bf16" in str(second.value) or "b16" in str(second.value)


def test_precisions_are_those_of_the_graph(recipes: dict[Precision, Recipe]) -> None:
    """A GPU without such numbers is refused, so they have not been swapped for others."""
    compiler = find_compiler("sm86")
    with pytest.raises(CompileError, match="fp8_e4m3") as refusal:
        Waiting().compile(compiler, recipes[Precision.FP8].graph)
    assert "/_src/" not in str(refusal.value)  # nor where in NVIDIA's source it was noticed
