"""Measures engines in the Python that has their libraries: `python -m bench.model_engine FILES`.

FILES are a request and where the answer goes. The answer is written anew after each engine:
whatever ends this process, what was measured before is kept.
"""

import gc
import importlib.util
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np

from bench.model_machine import cpu_name
from bench.model_messages import HERE, TRANSFORMERS, Answer, Measured, Request, Task
from bench.model_rate import numpy_rates, torch_rates
from bench.model_reference import run_transformers
from bench.model_timing import Embed, draw_arrivals, measure_rate, measure_waits
from bench.model_warnings import first_line, warnings_heard
from bench.model_work import MIXED, draw_ids, parity_lengths, plan_works, query_lengths
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.load import load_engine
from inference.engine.rows import Ids, Vectors
from inference.engine.settings import Device, EngineSettings
from inference.variant import Precision

QUERIES_PER_SECOND: Final = 20
WAITS_SECONDS: Final = 4
"""Of a measurement of waits for each second of one of rates: a percentile wants many."""
THREADS: Final = 1
"""On a CPU: more would wait for each other where other processes run."""


def main() -> None:
    """Answer the request."""
    request = Request.read(Path(sys.argv[1]))
    config = Checkpoint.open(request.checkpoint).config
    if not isinstance(config, Qwen3Config):
        raise SystemExit(f"{request.checkpoint} holds no Qwen3")
    has_torch = importlib.util.find_spec("torch") is not None
    matrix, failed = torch_rates(request.device, THREADS) if has_torch else (numpy_rates(), {})
    unknown = [Measured("matrix rate", each, HERE, failure=why) for each, why in failed.items()]
    answer = Answer(_device(request.device), _libraries(), matrix, tuple(unknown))
    for measured in _measure_all(request, config):
        _tell(measured)
        answer = replace(answer, measured=(*answer.measured, measured))
        answer.write(Path(sys.argv[2]))


def _measure_all(request: Request, config: Qwen3Config) -> Iterator[Measured]:
    for task in request.tasks:
        yield _attempt(task.engine, task.precision, partial(_run_task, request, task, config))
    for precision in request.references:
        run = partial(_run_reference, request, precision, config)
        yield _attempt(TRANSFORMERS, precision, run)


def _tell(measured: Measured) -> None:
    rates = "".join(f"; {name}: {rate:,.0f} tokens/s" for name, rate in measured.rates.items())
    print(f"{measured.name}: {measured.outcome}{rates}", file=sys.stderr, flush=True)


def _run_task(request: Request, task: Task, config: Qwen3Config) -> Measured:
    with warnings_heard("inference.engine") as notes:
        embed = load_engine(_settings(request, task, config), request.folder).model.embed
    vectors = _save(
        request, f"{task.engine}-{task.precision}", embed(parity_ids(config, request.lengths))
    )
    compared = Measured(task.engine, task.precision, HERE, vectors=vectors, notes=tuple(notes))
    return compared if task.compared_only else _time(request, compared, embed, config)


def _time(request: Request, compared: Measured, embed: Embed, config: Qwen3Config) -> Measured:
    """Add figures to what is known of an engine."""
    random = np.random.default_rng(9)
    batches = {
        work.name: [draw_ids(run, config.vocabulary_size, random) for run in work.runs]
        for work in plan_works(config, request.tokens_max)
    }
    rates = {name: measure_rate(embed, each, request.seconds) for name, each in batches.items()}
    queries = draw_ids(query_lengths(), config.vocabulary_size, random)
    arrivals = draw_arrivals(QUERIES_PER_SECOND, request.seconds * WAITS_SECONDS)
    waits = measure_waits(embed, batches[MIXED], queries, arrivals)
    return replace(compared, rates=rates, waits=waits)


def _run_reference(request: Request, precision: Precision, config: Qwen3Config) -> Measured:
    ids = parity_ids(config, request.lengths)
    vectors = run_transformers(request.checkpoint, precision, request.device, ids)
    path = _save(request, f"{TRANSFORMERS}-{precision}", vectors)
    return Measured(TRANSFORMERS, precision, HERE, vectors=path)


def _attempt(engine: str, precision: Precision, act: Callable[[], Measured]) -> Measured:
    """Say why there is nothing, where there is nothing: the other engines are measured still."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - a library's, of any kind; a full GPU too
        return Measured(engine, precision, HERE, failure=first_line(error))
    finally:
        _free()


def parity_ids(config: Qwen3Config, lengths: Sequence[int] = ()) -> list[Ids]:
    """Return the sequences that every engine runs, to be compared."""
    return draw_ids(
        lengths or parity_lengths(config), config.vocabulary_size, np.random.default_rng(8)
    )


def _settings(request: Request, task: Task, config: Qwen3Config) -> EngineSettings:
    return EngineSettings(
        vocabulary_size=config.vocabulary_size,
        context_tokens=config.context_tokens,
        width=config.width,
        threads=THREADS,
        run_tokens_max=request.tokens_max,
        engine=task.engine,
        precision=task.precision,
        device=request.device,
    )


def _save(request: Request, name: str, vectors: Vectors) -> str:
    path = request.results / f"{name}.npy"
    np.save(path, vectors)
    return str(path)


def _free() -> None:
    """Give memory back: the next model may need all of it."""
    gc.collect()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def _device(device: Device) -> str:
    if device is Device.CPU:
        return cpu_name()
    import torch  # noqa: PLC0415 - it is there, where a GPU is asked for

    return f"{torch.cuda.get_device_name()}, driven by CUDA {torch.version.cuda}"


def _libraries() -> str:
    versions = [f"Python {platform.python_version()}"]
    for name in ("torch", "triton", TRANSFORMERS, "onnxruntime"):
        with suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    return ", ".join(versions)


if __name__ == "__main__":
    main()
