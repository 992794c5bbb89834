"""Compare vectors of Qwen3-Embedding-8B's full shape, with random weights, on a CPU.

What golden vectors are made by, in single precision and a matrix at a time, is compared with the
PyTorch engine and with transformers, each in bfloat16, which is what fits into memory.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bench.model_checkpoint import write_checkpoint
from bench.model_engine import parity_ids
from bench.model_machine import cpu_name, memory_gib
from bench.model_messages import TRANSFORMERS, Measured, Request, Task
from bench.model_python import measure_in, python_with
from bench.model_shape import SHAPES
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.rows import Vectors
from inference.engine.settings import Device
from inference.golden import COSINE_MIN
from inference.repository.plain_qwen3 import PlainQwen3
from inference.variant import Engine, Precision

_CHECKPOINT: Final = "checkpoint"
_LENGTHS: Final = (1, 7, 64, 129, 300)
_TIMES_MAX: Final = 1.5
"""How much farther from single precision ours may be than transformers is."""
_SECONDS_MAX: Final = 3600.0


def main(arguments: list[str]) -> None:
    """Compare, print the report, and fail where a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench full-size", description=__doc__)
    parser.add_argument(
        "--shape",
        choices=tuple(SHAPES),
        default="8b",
        help="another than the full: to try this out",
    )
    parser.add_argument("--folder", type=Path, help="where to work; it takes 16 GB there")
    parser.add_argument("--out", type=Path, help="a page to write")
    options = parser.parse_args(arguments)
    python = python_with("torch")
    if python is None:
        raise SystemExit("PyTorch is not installed: run `make test` once")
    with tempfile.TemporaryDirectory(prefix="tessera-full-", dir=options.folder) as folder:
        expected, seconds = _run_plainly(Path(folder), SHAPES[options.shape])
        measured = list(_run_others(python, Path(folder)))
        distances = {
            each.engine: _distance(np.load(each.vectors), expected)
            for each in measured
            if each.vectors is not None
        }
    text = "\n".join(_report(options.shape, measured, distances, seconds)) + "\n"
    print(text)
    if options.out is not None:
        options.out.write_text(text)
    if not _holds(distances):
        raise SystemExit("Not all that was compared is near enough")


def _distance(vectors: Vectors, expected: Vectors) -> float:
    """Return by how much the least cosine misses 1; of a NaN it is one."""
    return 1 - float((vectors * expected).sum(axis=1).min())


def _holds(distances: Mapping[str, float]) -> bool:
    """Tell whether ours is about as near as transformers, and both as near as a pod has to be."""
    ours, theirs = distances.get(Engine.TORCH), distances.get(TRANSFORMERS)
    if ours is None or theirs is None:
        return False
    return ours <= _TIMES_MAX * theirs and max(ours, theirs) <= 1 - COSINE_MIN[Precision.BF16]


def _run_plainly(folder: Path, config: Qwen3Config) -> tuple[Vectors, float]:
    """Return the vectors that others are held to, and how long they took."""
    _say("Writing a checkpoint")
    write_checkpoint(folder / _CHECKPOINT, config)
    _say("Running it in NumPy")
    began = time.perf_counter()
    plain = PlainQwen3(Checkpoint.open(folder / _CHECKPOINT), config, lambda _: None)
    vectors = plain.embed([ids.tolist() for ids in parity_ids(config, _LENGTHS)])
    return vectors, time.perf_counter() - began


def _run_others(python: Path, folder: Path) -> Iterator[Measured]:
    """Run each in a process of its own: memory holds one."""
    task = Task(Engine.TORCH, Precision.BF16, compared_only=True)
    for tasks, references in (((task,), ()), ((), (Precision.BF16,))):
        name = "transformers" if references else "torch"
        _say(f"Running it in {name}")
        results = folder / name
        results.mkdir()
        request = Request(
            folder=folder / _CHECKPOINT,
            checkpoint=folder / _CHECKPOINT,
            results=results,
            device=Device.CPU,
            tasks=tasks,
            references=references,
            tokens_max=4096,
            seconds=0,
            lengths=_LENGTHS,
        )
        yield from measure_in(python, request, results / "answer.json", _SECONDS_MAX).measured


def _report(
    shape: str, measured: list[Measured], distances: Mapping[str, float], seconds: float
) -> Iterator[str]:
    what = "Qwen3-Embedding-8B's shape" if shape == "8b" else f"the {shape} shape"
    yield "# The full shape on a CPU"
    yield ""
    yield f"`python -m bench full-size` wrote a checkpoint of {what} with random"
    yield f"weights, and compared its vectors, of {', '.join(map(str, _LENGTHS))} tokens, with what"
    yield "makes golden vectors: NumPy in fp32."
    yield ""
    yield f"- Machine: {cpu_name()}; {memory_gib():.0f} GiB of memory"
    yield f"- NumPy took {seconds:.0f} s for {sum(_LENGTHS)} tokens, reading included"
    yield ""
    yield "Rounding to bfloat16 costs transformers as much; random weights make more of it than"
    yield f"trained ones. Ours may be {_TIMES_MAX:g} times as far off, and a pod is held to"
    yield f"a cosine of {COSINE_MIN[Precision.BF16]}."
    yield ""
    yield "| engine | least cosine |"
    yield "|---|---|"
    for each in measured:
        if each.engine in distances:
            yield f"| {each.engine} {each.precision} | {1 - distances[each.engine]:.6f} |"
    for failed in measured:
        if failed.failure is not None:
            yield f"| {failed.name} | **did not run**: {failed.failure} |"


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)
