"""Engines are built once, and are whole or not there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from inference.progress import Silent
from inference.tensorrt.build import Recipe
from inference.tensorrt.cache import EngineCache
from inference.tensorrt.compiler import CompileError, Identity
from inference.tensorrt.room import Room
from inference.variant import Precision
from tests.inference.tensorrt.doubles import FakeCompiler, Shown

_TIMEOUT_SECONDS = 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where engines are kept."""
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> EngineCache:
    """A cache on a disk that has room."""
    return EngineCache(folder)


def _unfinished(folder: Path) -> list[Path]:
    return [each for each in (folder / "engines").iterdir() if not (each / "engine.json").exists()]


def test_an_engine_is_built_once(cache: EngineCache, folder: Path, recipe: Recipe) -> None:
    """Also for another process, which only looks whether it is whole."""
    compiler, shown = FakeCompiler(), Shown()
    engine = cache.get(compiler, recipe, Silent())
    assert EngineCache(folder).get(compiler, recipe, shown) == engine
    assert compiler.compiled == 1
    assert shown.steps == ["reading model.plan"]
    assert len(engine.plan.read_bytes()) == 32


def test_what_depends_on_anything_else_is_another_engine(
    cache: EngineCache, folder: Path, recipe: Recipe
) -> None:
    """Both are kept."""
    first = cache.get(FakeCompiler(), recipe, Silent())
    second = cache.get(FakeCompiler(), replace(recipe, revision="another"), Silent())
    assert first.plan != second.plan
    assert {first.plan.parent, second.plan.parent} == set((folder / "engines").iterdir())


def test_another_graph_in_the_same_place_is_another_engine(
    cache: EngineCache, recipes: dict[Precision, Recipe]
) -> None:
    """A graph that is written anew may be another."""
    first = recipes[Precision.BF16]
    second = replace(recipes[Precision.FP32], precision=Precision.BF16)
    plans = {cache.get(FakeCompiler(), each, Silent()).plan for each in (first, second)}
    assert len(plans) == 2


@pytest.mark.parametrize("damage", ["cut", "altered", "gone", "unrecorded"])
def test_a_damaged_engine_is_built_anew(
    cache: EngineCache, folder: Path, recipe: Recipe, damage: str
) -> None:
    """It is never handed out, and nothing of it is left."""
    compiler, shown = FakeCompiler(), Shown()
    plan = cache.get(compiler, recipe, Silent()).plan
    whole = plan.read_bytes()
    match damage:
        case "cut":
            plan.write_bytes(whole[:-1])
        case "altered":
            plan.write_bytes(bytes(reversed(whole)))
        case "gone":
            plan.unlink()
        case _:
            (plan.parent / "engine.json").write_bytes(b"[]")
    assert cache.get(compiler, recipe, shown).plan.read_bytes() == whole
    assert compiler.compiled == 2
    assert ("reading model.plan" in shown.steps) == (damage == "altered")
    assert not _unfinished(folder)


def test_two_builders_at_once_build_once(folder: Path, recipe: Recipe) -> None:
    """The second waits, is told so, and takes what the first has built."""
    begun, shown = threading.Event(), Shown()

    def wait_for_the_second() -> None:
        begun.set()
        shown.wait()

    first, second = FakeCompiler(meanwhile=wait_for_the_second), FakeCompiler()
    with ThreadPoolExecutor(1) as pool:
        built = pool.submit(EngineCache(folder).get, first, recipe, Silent())
        assert begun.wait(_TIMEOUT_SECONDS)
        taken = EngineCache(folder).get(second, recipe, shown)
        assert taken == built.result(_TIMEOUT_SECONDS)
    assert shown.steps[0] == "waiting for another compilation"
    assert (first.compiled, second.compiled) == (1, 0)


@pytest.mark.parametrize("failure", [CompileError("no"), OSError("full"), KeyboardInterrupt()])
def test_nothing_half_built_is_left(
    cache: EngineCache, folder: Path, recipe: Recipe, failure: BaseException
) -> None:
    """Whatever ends a build; the next one begins anew, and ends well."""

    def fail() -> None:
        raise failure

    with pytest.raises(type(failure)):
        cache.get(FakeCompiler(meanwhile=fail), recipe, Silent())
    assert list((folder / "engines").iterdir()) == []
    assert cache.get(FakeCompiler(), recipe, Silent()).plan.exists()


def test_what_a_killed_builder_left_is_removed(
    cache: EngineCache, folder: Path, recipe: Recipe
) -> None:
    """Plans are large."""
    left = folder / "engines" / "unfinished-x" / "new"
    left.mkdir(parents=True)
    (left / "model.plan").write_bytes(b"half")
    cache.get(FakeCompiler(), recipe, Silent())
    assert not _unfinished(folder)


def test_timings_are_kept_for_the_next_engine_of_the_same_compiler(
    cache: EngineCache, folder: Path, recipe: Recipe
) -> None:
    """What one engine measured, the next need not; another GPU's timings are none."""
    compiler, other = FakeCompiler(), FakeCompiler(Identity("fake", "1.0", "sm89"))
    for revision in ("a", "b", "c"):
        cache.get(compiler, replace(recipe, revision=revision), Silent())
    cache.get(other, recipe, Silent())
    assert compiler.given_timings == [b"", b".", b".."]
    assert other.given_timings == [b""]
    assert (folder / "timings" / "fake-1.0-for-sm90").read_bytes() == b"..."


def test_an_engine_that_is_there_needs_no_room(folder: Path, recipe: Recipe) -> None:
    """Only building does."""
    EngineCache(folder).get(FakeCompiler(), recipe, Silent())
    full = EngineCache(folder, lambda _: Room(memory=0, disk=0))
    assert full.get(FakeCompiler(), recipe, Silent()).plan.exists()
    with pytest.raises(CompileError, match="free"):
        full.get(FakeCompiler(), replace(recipe, revision="another"), Silent())


def test_the_rule_of_thumb_can_be_overruled(folder: Path, recipe: Recipe) -> None:
    """It is only that."""
    assert EngineCache(folder, lambda _: None).get(FakeCompiler(), recipe, Silent()).plan.exists()
