"""The steps of one run: of each that cannot be done it is told why, and the others are done."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.model_checkpoint import write_checkpoint
from bench.model_findings import Findings
from bench.model_machine import cpu_name
from bench.model_messages import Answer, Measured, Request, Task
from bench.model_python import measure_in, python_with
from bench.model_shape import SHAPES
from bench.model_tasks import main_precision, onnxruntime_tasks, references, torch_tasks
from bench.model_work import plan_works
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.settings import Device
from inference.tensors import MODEL
from inference.variant import Engine, Precision

_TOKENS_MAX: Final = {Device.CPU: 1024, Device.CUDA: 4096}
_ROWS_MAX: Final = 128
"""Enough for a full batch of the shortest sequences that are measured."""
_COMPILE_SECONDS: Final = 7200.0
_THROUGH_TRITON: Final = "through Triton"


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One shape on one device, in a folder of its own; each rate is measured for `seconds`."""

    shape: str
    engine: Engine
    device: Device
    folder: Path
    seconds: float
    say: Callable[[str], None]
    steps: dict[str, str] = field(default_factory=dict)

    def run(self) -> Findings:
        """Do every step."""
        self._write_checkpoint()
        answers = [*self._run_torch(), *self._run_onnxruntime()]
        measured = [each for answer in answers for each in answer.measured]
        return Findings(
            shape=self.shape,
            config=self._config,
            device=answers[0].device if answers else cpu_name(),
            libraries="; ".join(answer.libraries for answer in answers),
            matrix=answers[0].matrix if answers else {},
            works=plan_works(self._config, _TOKENS_MAX[self.device]),
            measured=(*measured, self._serve()),
            steps=self.steps,
        )

    @property
    def _config(self) -> Qwen3Config:
        return SHAPES[self.shape]

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint"

    def _write_checkpoint(self) -> None:
        self.say("Writing a checkpoint")
        began = time.perf_counter()
        write_checkpoint(self._checkpoint, self._config)
        size = sum(file.stat().st_size for file in self._checkpoint.iterdir())
        seconds = time.perf_counter() - began
        self.steps["checkpoint"] = f"{size / 1e9:.3g} GB written in {seconds:.1f} s"

    def _run_torch(self) -> list[Answer]:
        tasks = torch_tasks(self.engine, self.device)
        return self._measure("torch", self._checkpoint, tasks, references(self.device))

    def _run_onnxruntime(self) -> list[Answer]:
        if self.device is Device.CUDA:
            self._leave_out("onnxruntime", "it is for models that a CPU can bear")
            return []
        repository = self._compile(Engine.ONNXRUNTIME)
        if repository is None:
            return []
        version = repository / "triton" / MODEL / "1"
        return self._measure("onnxruntime", version, onnxruntime_tasks(self.engine), ())

    def _measure(
        self, library: str, folder: Path, tasks: Sequence[Task], precisions: Sequence[Precision]
    ) -> list[Answer]:
        python = python_with(library)
        if python is None:
            self._leave_out(library, "it is not installed")
            return []
        self.say(f"Measuring {library} in {python}")
        request = Request(
            folder=folder,
            checkpoint=self._checkpoint,
            results=self.folder,
            device=self.device,
            tasks=tuple(tasks),
            references=tuple(precisions),
            tokens_max=_TOKENS_MAX[self.device],
            seconds=self.seconds,
        )
        return [measure_in(python, request, self.folder / f"{library}.json")]

    def _compile(self, engine: Engine) -> Path | None:
        """Build a repository as anybody would; return it, or say why there is none."""
        out = self.folder / engine
        step = f"`python -m inference model compile --engine {engine}`"
        argv = [sys.executable, "-m", "inference", "model", "compile", str(self._checkpoint)]
        argv += ["--engine", engine, "--out", str(out), "--rows-max", str(_ROWS_MAX)]
        argv += ["--precision", main_precision(engine, self.device), "--device", self.device]
        argv += ["--tokens-max", str(_TOKENS_MAX[self.device])]
        self.say(f"Compiling for {engine}")
        began = time.perf_counter()
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, timeout=_COMPILE_SECONDS
        )
        if done.returncode:
            self._leave_out(step, (done.stderr.strip().splitlines() or ["it says nothing"])[-1])
            return None
        self.steps[step] = f"done in {time.perf_counter() - began:.1f} s"
        return out

    def _serve(self) -> Measured:
        out = self.folder / self.engine
        repository = out if out.exists() else self._compile(self.engine)
        if repository is None:
            return self._not_served("there is no model repository")
        try:
            # Needs what a bare machine has not.
            from bench.model_served import SERVING_FAILURES, measure_served  # noqa: PLC0415
        except ImportError as error:
            return self._not_served(str(error))
        python = python_with("torch") if self.engine is Engine.TORCH else None
        self.say("Measuring the same through Triton")
        try:
            return measure_served(
                repository, python or Path(sys.executable), self.folder, self._config, self.seconds
            )
        except SERVING_FAILURES as error:
            return self._not_served(str(error))

    def _not_served(self, reason: str) -> Measured:
        precision = main_precision(self.engine, self.device)
        return Measured(self.engine, precision, _THROUGH_TRITON, failure=reason)

    def _leave_out(self, step: str, reason: str) -> None:
        self.steps[step] = f"**did not run**: {reason}"
