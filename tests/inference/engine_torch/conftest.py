"""Small random models of several shapes, and what both implementations make of them."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from bench.model_checkpoint import write_checkpoint
from bench.model_shape import SHAPES
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.rows import Ids, Vectors
from tests.inference.engine_torch.jobs import Done, Job, do
from tests.inference.model.checkpoints import Arrays, safetensors_bytes, write_tiny
from tests.reference import vectors as reference

TINY: Final = replace(
    SHAPES["tiny"],
    layers=2,
    heads=4,
    head_width=16,
    width=64,
    feed_forward_width=128,
    context_tokens=1024,
)
SHAPES_TRIED: Final = {
    "tiny": TINY,
    "heads wider than the model": replace(TINY, head_width=48),
    "a key head for each query": replace(TINY, kv_heads=4),
    "one key head for all": replace(TINY, layers=3, heads=6, kv_heads=1, width=96),
    "other constants": replace(TINY, rope_theta=1e4, norm_epsilon=1e-2),
}
LONGEST: Final = 600
ALL: Final = range(2 * LONGEST)
FEW: Final = [
    text * LONGEST + length - 1
    for text in range(2)
    for length in (*range(1, 18), 64, 100, 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 600)
]
"""Where the beginnings of both texts are, and those of some lengths."""
NAN_ID: Final = 13


@pytest.fixture(scope="session")
def texts() -> list[Ids]:
    """Two sequences, whose beginnings are run; NAN_ID is the 300th of the second alone."""
    random = np.random.default_rng(11)
    both = random.integers(14, TINY.vocabulary_size, (2, LONGEST)).astype(np.int32)
    both[1, 299] = NAN_ID
    return list(both)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each shape, its weights in several shards; and folders that are special."""
    folder = tmp_path_factory.mktemp("checkpoints")
    folders = {name: folder / name for name in (*SHAPES_TRIED, "float32", "nan", "cut", "bert")}
    for name, shape in SHAPES_TRIED.items():
        write_checkpoint(folders[name], shape, shard_bytes=2**19)
    arrays = _read(folders["tiny"])
    _write(folders["float32"], TINY, arrays)
    arrays["embed_tokens.weight"][NAN_ID] = np.nan
    _write(folders["nan"], TINY, arrays)
    _write(folders["cut"], TINY, arrays)
    weights = folders["cut"] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    folders["bert"].mkdir()
    write_tiny(folders["bert"])
    return folders


@pytest.fixture(scope="session")
def references(
    checkpoints: dict[str, Path], texts: list[Ids], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Vectors]:
    """What transformers makes of every beginning of both texts, shortest first, for each shape."""
    jobs = [reference.Job(checkpoints[name], texts, every_token=True) for name in SHAPES_TRIED]
    answers = reference.embed(jobs, tmp_path_factory.mktemp("references"))
    return dict(zip(SHAPES_TRIED, answers, strict=True))


@pytest.fixture(scope="session")
def done(
    checkpoints: dict[str, Path], texts: list[Ids], tmp_path_factory: pytest.TempPathFactory
) -> Done:
    """What our engine makes of the same, for every job."""
    beginnings = [text[:length] for text in texts for length in range(1, LONGEST + 1)]
    return do(_jobs(checkpoints), beginnings, tmp_path_factory.mktemp("jobs"))


def _jobs(folders: dict[str, Path]) -> dict[str, Job]:
    jobs = {}
    for name, shape in SHAPES_TRIED.items():
        every = ALL if name == "tiny" else FEW
        jobs[f"{name}: single"] = Job(folders[name], every, shape.width, together=1)
        jobs[f"{name}: packed"] = Job(folders[name], every, shape.width)
    few = Job(folders["tiny"], FEW, TINY.width)
    return jobs | {
        "few": few,
        "bf16": replace(few, precision="bf16"),
        "fp8": replace(few, precision="fp8"),
        "float32": replace(few, checkpoint=folders["float32"]),
        "nan": replace(few, checkpoint=folders["nan"]),
        "fp16": replace(few, precision="fp16"),
        "cuda": replace(few, device="cuda"),
        "bert": replace(few, checkpoint=folders["bert"]),
        "cut": replace(few, checkpoint=folders["cut"]),
    }


def _read(folder: Path) -> Arrays:
    """Read a checkpoint's bfloat16 as single precision."""
    arrays = {}
    for name, tensor in Checkpoint.open(folder).tensors.items():
        bits = np.fromfile(
            folder / tensor.file, "<u2", count=tensor.length // 2, offset=tensor.offset
        )
        arrays[name] = (bits.astype("<u4") << 16).view("<f4").reshape(tensor.shape)
    return arrays


def _write(folder: Path, shape: Qwen3Config, arrays: Arrays) -> None:
    """Write a checkpoint of one file in single precision."""
    write_checkpoint(folder, shape)
    for file in folder.glob("model*"):
        file.unlink()
    (folder / "model.safetensors").write_bytes(safetensors_bytes(arrays))
