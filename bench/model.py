"""Build a model of a shape, check it, time it, and write down what ran and what did not.

Where PyTorch, ONNX Runtime, TensorRT or Triton is missing, the rest is done all the same. A machine
with a GPU needs nothing but PyTorch.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.model_plot import draw_shares
from bench.model_report import write_report
from bench.model_run import ModelRun
from bench.model_shape import SHAPES
from inference.engine.settings import Device
from inference.tensorrt.compiler import CompileError
from inference.tensorrt.device import find_target
from inference.variant import Engine

_SECONDS: Final = {"tiny": 0.2, "8b": 5.0}
_MINUTES: Final = 120.0


def main(arguments: list[str]) -> None:
    """Measure, print the report, and fail where an engine's vectors are not the reference's."""
    options = _parse(arguments)
    device = options.device or _find_device()
    if options.shape == "8b" and device is Device.CPU:
        raise SystemExit("There is no GPU here, and a CPU would take days over the 8b shape")
    with tempfile.TemporaryDirectory(prefix="tessera-model-", dir=options.folder) as folder:
        run = ModelRun(
            shape=options.shape,
            engine=options.engine,
            device=device,
            folder=Path(folder).resolve(),
            seconds=options.seconds or _SECONDS[options.shape],
            ends_at=time.monotonic() + options.minutes * 60,
            say=_say,
        )
        findings = run.run()
        plot = None if options.out is None else options.out.with_suffix(".svg")
        text = write_report(findings, None if plot is None else plot.name)
        failed = [parity.name for parity in findings.parities() if not parity.holds]
    print(text)
    if plot is not None:
        options.out.write_text(text)
        plot.write_text(draw_shares(findings))
    if not findings.timed:
        raise SystemExit("No engine was measured; the report says why")
    if failed:
        raise SystemExit(f"Not near enough to the reference: {'; '.join(failed)}")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench model", description=__doc__)
    parser.add_argument("--shape", choices=tuple(SHAPES), required=True, help="the model's sizes")
    parser.add_argument(
        "--engine", type=Engine, choices=tuple(Engine), default=Engine.TORCH, help="what is timed"
    )
    parser.add_argument(
        "--device", type=Device, choices=tuple(Device), help="by default the GPU, if there is one"
    )
    parser.add_argument("--seconds", type=float, help="length of each measurement")
    parser.add_argument(
        "--minutes",
        type=float,
        default=_MINUTES,
        help="all that the run may take; what is not measured by then is left out",
    )
    parser.add_argument("--folder", type=Path, help="where to work; 8b takes 16 GB there")
    parser.add_argument("--out", type=Path, help="a page to write, and a plot beside it")
    return parser.parse_args(arguments)


def _find_device() -> Device:
    try:
        find_target()
    except CompileError:
        return Device.CPU
    return Device.CUDA


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)
