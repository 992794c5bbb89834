"""Plans by the real builder, and what is checked before it is asked."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from inference.checkpoint.folder import Checkpoint
from inference.graph.write import write_graph
from inference.progress import Silent
from inference.serving import Bucket
from inference.tensorrt.api import find_compiler
from inference.tensorrt.build import Recipe, build_plan
from inference.tensorrt.compiler import CompileError
from inference.tensorrt.network import NetworkCompiler
from inference.tensorrt.room import Room
from inference.variant import Form, Precision
from tests.inference.tensorrt.conftest import POSITIONS
from tests.inference.tensorrt.doubles import FakeCompiler, Shown

_NO_ROOM = Room(memory=0, disk=0)


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP32, Precision.FP8])
def test_a_qwen3_compiles(
    recipes: dict[Precision, Recipe], tmp_path: Path, precision: Precision
) -> None:
    """TensorRT-RTX takes the graph that we write, with a profile for each bucket."""
    plan = tmp_path / "model.plan"
    built = build_plan(find_compiler("sm89"), recipes[precision], plan, Silent())
    assert built.size == plan.stat().st_size > 100_000
    assert built.sha256 == hashlib.sha256(plan.read_bytes()).hexdigest()


def test_a_packed_qwen3_is_read_but_has_no_kernel_yet(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    """It is experimental; where this fails, a plan of it can be had at last."""
    model = write_graph(
        checkpoint, Precision.BF16, Form.PACKED, for_tensorrt=True, positions_max=POSITIONS
    )
    graph = checkpoint.folder / "packed.onnx"
    graph.write_bytes(model.SerializeToString())
    recipe = Recipe(graph, "revision", Precision.BF16, Form.PACKED, (Bucket(256, 8),))
    with pytest.raises(CompileError, match="no fused kernel is available"):
        build_plan(find_compiler("sm89"), recipe, tmp_path / "model.plan", Silent())


def test_rows_beyond_the_positions_that_the_graph_knows_are_refused(
    recipe: Recipe, tmp_path: Path
) -> None:
    """The builder takes them without a word, and the plan would read past a table's end."""
    compiler = FakeCompiler()
    longer = replace(recipe, buckets=(Bucket(POSITIONS, 1), Bucket(POSITIONS + 1, 1)))
    with pytest.raises(CompileError, match="513 tokens; the graph knows 512 positions"):
        build_plan(compiler, longer, tmp_path / "model.plan", Silent())
    assert not compiler.compiled


def test_too_little_room_is_told_before_anything_is_begun(recipe: Recipe, tmp_path: Path) -> None:
    """Not after hours."""
    compiler = FakeCompiler()
    with pytest.raises(CompileError, match=r"takes about [\d.]+ GB of memory, of which 0\.0"):
        build_plan(compiler, recipe, tmp_path / "model.plan", Silent(), room=_NO_ROOM)
    assert not compiler.compiled


def test_whoever_waits_sees_with_what_it_is_compiled(recipe: Recipe, tmp_path: Path) -> None:
    """The library, its version and the GPU."""
    shown = Shown()
    build_plan(FakeCompiler(meanwhile=shown.wait), recipe, tmp_path / "model.plan", shown)
    assert shown.steps == ["compiling with fake 1.0 for sm90: reading the graph"]


def test_an_interruption_stops_the_real_builder(recipe: Recipe, tmp_path: Path) -> None:
    """Ctrl-C does not leave it at work in the background."""
    shown = Shown(interrupted_at="reading the graph")
    compiler = find_compiler("sm89")
    with pytest.raises(KeyboardInterrupt):
        build_plan(compiler, recipe, tmp_path / "model.plan", shown)
    assert not (tmp_path / "model.plan").read_bytes()


def test_timings_of_kernels_go_from_one_build_to_the_next(recipe: Recipe, tmp_path: Path) -> None:
    """TensorRT-RTX has the calls still, though it times nothing: damaged ones are not used."""
    rtx = find_compiler("sm89")
    compiler = NetworkCompiler(rtx._tensorrt, rtx.identity, rtx._capability, times_kernels=True)
    plan = tmp_path / "model.plan"
    with pytest.warns(DeprecationWarning, match="Timing cache"):
        first = build_plan(compiler, recipe, plan, Silent(), timings=b"damaged")
    assert first.timings
