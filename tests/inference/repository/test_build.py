"""Repositories of every engine, from a Qwen3 in several shards."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from contract.models import ModelCard
from inference.checkpoint.cards import card_of
from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import CheckpointError
from inference.checkpoint.shards import INDEX
from inference.golden import Golden
from inference.graph.scales import Reach, Scales, ScalesError
from inference.progress import Progress, Silent
from inference.repository.build import fulfil
from inference.repository.layout import Layout
from inference.repository.order import LOCAL, Order
from inference.repository.proving import make_golden, take_golden
from inference.repository.store import store
from inference.repository.verification import Repository
from inference.repository.workshop import Workshop
from inference.variant import Engine, Form, Precision, Variant
from tests.inference.model.checkpoints import safetensors_bytes
from tests.inference.model.qwen3_checkpoint import write_qwen3

_TORCH: Final = Variant(Engine.TORCH, Form.PADDED, Precision.BF16)
_FP8: Final = Variant(Engine.TENSORRT, Form.PADDED, Precision.FP8)
_PLAN: Final = Variant(Engine.TENSORRT, Form.PADDED, Precision.BF16)


def _order(checkpoint: Path, variant: Variant = LOCAL, **changes: object) -> Order:
    opened = Checkpoint.open(checkpoint)
    fields = {"card": card_of(opened, "tests/tiny", 64), "tokens_max": 256, "rows_max": 4}
    return Order(opened, variant=variant, **(fields | changes))  # type: ignore[arg-type] # each by name


def _version(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "triton/embedder/1").iterdir())


def test_a_sharded_checkpoint_becomes_a_graph_beside_its_shards(
    qwen3: Path, tmp_path: Path
) -> None:
    """And the golden vectors were made with it."""
    assert fulfil(_order(qwen3), tmp_path) is True
    shards = [f"model-{number:05}-of-00003.safetensors" for number in (1, 2, 3)]
    assert _version(tmp_path) == sorted([*shards, "model.onnx", "model.py"])
    built = Repository.read(tmp_path)
    assert built.golden is not None
    assert built.golden.vectors.shape == (6, 64)
    assert built.serving.fingerprint == built.provenance.fingerprint
    assert (built.serving.rows_max, built.serving.tokens_max) == (4, 256)


def test_the_card_says_what_the_checkpoint_can_do(qwen3: Path, tmp_path: Path) -> None:
    """Its own sizes, and a Qwen3's prompt."""
    fulfil(_order(qwen3), tmp_path, prove=lambda *_: None)
    card = ModelCard.read(tmp_path / "card")
    assert (card.id, card.context_tokens, card.vocabulary_size) == ("tests/tiny", 64, 300)
    assert (card.dimensions_min, card.dimensions_max) == (32, 64)
    assert card.query_prompt == "Instruct: {task}\nQuery:{query}"


def test_pytorch_gets_the_checkpoint_as_it_is(qwen3: Path, tmp_path: Path) -> None:
    """It reads it itself, index and all."""
    fulfil(_order(qwen3, _TORCH), tmp_path, prove=lambda *_: None)
    copied = Checkpoint.open(tmp_path / "triton/embedder/1")
    assert copied.tensors == Checkpoint.open(qwen3).tensors


def test_a_shard_that_pytorch_has_no_use_for_stays_behind(tmp_path: Path) -> None:
    """Nor does the index name it: the engine would take the checkpoint for damaged."""
    folder = write_qwen3(tmp_path / "checkpoint", shards=2)
    head = {"lm_head.weight": np.zeros((300, 64), dtype=np.float32)}
    (folder / "head.safetensors").write_bytes(safetensors_bytes(head))
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["lm_head.weight"] = "head.safetensors"
    (folder / INDEX).write_text(json.dumps(index))
    fulfil(_order(folder, _TORCH), tmp_path / "out", prove=lambda *_: None)
    assert "head.safetensors" not in _version(tmp_path / "out")
    copied = Checkpoint.open(tmp_path / "out/triton/embedder/1")
    assert copied.tensors == Checkpoint.open(folder).tensors


def test_a_plan_is_compiled_once(qwen3: Path, tmp_path: Path) -> None:
    """By the real compiler; another run finds it, even where the build itself is lost."""
    card = card_of(Checkpoint.open(qwen3), "tests/tiny", 20)
    order = _order(qwen3, _PLAN, target="sm89", card=card)
    assert fulfil(order, tmp_path) is True
    plans = list((tmp_path / "cache/plans").rglob("model.plan"))
    before = [plan.stat().st_mtime_ns for plan in plans]
    assert _version(tmp_path) == ["model.plan"]
    built = Repository.read(tmp_path)
    assert [bucket.length for bucket in built.serving.buckets] == [16, 20]
    assert (built.provenance.target, built.provenance.precision) == ("sm89", "bf16")
    assert built.provenance.engine.startswith("tensorrt-rtx 1.")
    assert fulfil(order, tmp_path) is False
    shutil.rmtree(tmp_path / "builds")
    assert fulfil(order, tmp_path) is True
    assert [plan.stat().st_mtime_ns for plan in plans] == before


def test_a_plan_in_fp8_is_named_after_its_scales(qwen3: Path, tmp_path: Path) -> None:
    """Others make other vectors; those of another checkpoint are refused."""
    card = card_of(Checkpoint.open(qwen3), "tests/tiny", 16)
    checkpoint = Path(shutil.copytree(qwen3, tmp_path / "checkpoint"))
    order = replace(_order(checkpoint, _FP8, target="sm89"), card=card)
    names = [name for name, t in order.checkpoint.tensors.items() if len(t.shape) == 2]
    named = []
    for revision, reach in ((_revision(checkpoint), 3.0), (_revision(checkpoint), 4.0), ("x", 4.0)):
        scales = Scales(revision, "a test", dict.fromkeys(names, Reach(reach, reach)))
        order.scales.write_bytes(scales.dump())
        if revision == "x":
            with pytest.raises(ScalesError, match="measured for checkpoint x"):
                fulfil(order, tmp_path / "out", prove=lambda *_: None)
            continue
        fulfil(order, tmp_path / "out", prove=lambda *_: None)
        named.append(Repository.read(tmp_path / "out").serving.fingerprint)
    assert len(set(named)) == 2


def _revision(checkpoint: Path) -> str:
    return find_revision(Checkpoint.open(checkpoint), Digests(), Silent())


def test_golden_vectors_are_made_once(qwen3: Path, tmp_path: Path) -> None:
    """Unless something has changed that they depend on, which the graph and the weights are."""
    asked: list[Order] = []

    def count(order: Order, workshop: Workshop, progress: Progress) -> Golden:
        asked.append(order)
        return make_golden(order, workshop, progress)

    for _ in range(2):
        fulfil(_order(qwen3), tmp_path, prove=count)
    assert len(asked) == 1
    fulfil(_order(qwen3, rows_max=2), tmp_path, prove=count)
    assert len(asked) == 2


def test_golden_vectors_can_be_taken_from_another_engine(qwen3: Path, tmp_path: Path) -> None:
    """Held to the precision that is served, and only of the same checkpoint."""
    fulfil(_order(qwen3), tmp_path / "reference")
    reference = Repository.read(tmp_path / "reference")

    def take(order: Order, workshop: Workshop, progress: Progress) -> Golden:
        return take_golden(reference, order, workshop, progress)

    fulfil(_order(qwen3, _TORCH), tmp_path / "out", prove=take)
    taken = Repository.read(tmp_path / "out").golden
    assert taken is not None
    assert (taken.made_by, taken.cosine_min) == ("NumPy in fp32", 0.99)
    other = write_qwen3(tmp_path / "other")
    with pytest.raises(CheckpointError, match="built from another checkpoint"):
        fulfil(_order(other, _TORCH), tmp_path / "wrong", prove=take)


def test_golden_vectors_of_longer_texts_are_left_out(qwen3: Path, tmp_path: Path) -> None:
    """The model that is served would refuse them, and never be ready."""
    fulfil(_order(qwen3), tmp_path / "reference")
    order = _order(qwen3, _TORCH, card=card_of(Checkpoint.open(qwen3), "tests/tiny", 9))
    take = partial(take_golden, Repository.read(tmp_path / "reference"))
    fulfil(order, tmp_path / "out", prove=take)
    taken = Repository.read(tmp_path / "out").golden
    assert taken is not None
    assert 0 < len(taken.sequences) == len(taken.vectors) < 6
    assert max(map(len, taken.sequences)) <= 9


def test_the_fingerprint_follows_the_weights(qwen3: Path, tmp_path: Path) -> None:
    """One byte of a shard that differs is another model."""
    copy = tmp_path / "copy"
    shutil.copytree(qwen3, copy)
    shard = copy / "model-00002-of-00003.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    for checkpoint, out in ((qwen3, "a"), (copy, "b")):
        fulfil(_order(checkpoint), tmp_path / out, prove=lambda *_: None)
    first, second = (Repository.read(tmp_path / out).serving.fingerprint for out in "ab")
    assert first != second


def test_a_big_file_is_linked_and_a_small_one_copied(tmp_path: Path) -> None:
    """A link costs no disk; a copy stays what it is when the original is changed in place."""
    sources = {}
    for name, size in (("big", 100), ("small", 99)):
        sources[name] = tmp_path / name
        sources[name].write_bytes(bytes(size))
    store(
        Layout({}, {f"card/{n}": s for n, s in sources.items()}),
        tmp_path / "out",
        link_bytes_min=100,
    )
    assert (tmp_path / "out/card/big").samefile(sources["big"])
    assert not (tmp_path / "out/card/small").samefile(sources["small"])


def test_a_cached_checkpoint_is_linked_by_its_real_file(tmp_path: Path) -> None:
    """Hugging Face's cache shows links; engines refuse links that leave the model's folder."""
    blob, shown = tmp_path / "blob", tmp_path / "shown"
    blob.write_bytes(b"weights")
    shown.symlink_to(blob)
    store(Layout({}, {"card/weights": shown}), tmp_path / "out", link_bytes_min=1)
    stored = tmp_path / "out/card/weights"
    assert not stored.is_symlink()
    assert stored.samefile(blob)


@pytest.mark.parametrize("variant", [LOCAL, _TORCH])
def test_what_a_killed_build_left_is_removed(qwen3: Path, tmp_path: Path, variant: Variant) -> None:
    """A link there would keep the weights on disk for ever."""
    left = tmp_path / "cache/graph-left"
    left.mkdir(parents=True)
    (left / "model.onnx").touch()
    fulfil(_order(qwen3, variant), tmp_path)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["digests.json"]
