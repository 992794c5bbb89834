"""The steps of one run: of each that cannot be done it is told why, and the others are done."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.model_checkpoint import count_bytes, write_checkpoint
from bench.model_findings import Findings
from bench.model_machine import cpu_name, require_disk
from bench.model_messages import Answer, Measured, Request, Task
from bench.model_python import ROOT, measure_in, python_with
from bench.model_shape import SHAPES
from bench.model_tasks import main_precision, onnxruntime_tasks, references, torch_tasks
from bench.model_warnings import first_line
from bench.model_work import plan_works
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.settings import Device
from inference.tensors import MODEL
from inference.variant import Engine, Precision

_TOKENS_MAX: Final = {Device.CPU: 1024, Device.CUDA: 4096}
_CEILINGS_OF: Final = {
    Device.CPU: "one core, which is what an engine has in process (through Triton it has two)",
    Device.CUDA: "this GPU",
}
_ROWS_MAX: Final = 128
"""Enough for a full batch of the shortest sequences that are measured."""
_THROUGH_TRITON: Final = "through Triton"


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One shape on one device, in a folder of its own; each rate is measured for `seconds`.

    What is not under way by `ends_at`, on the monotonic clock, is left out.
    """

    shape: str
    engine: Engine
    device: Device
    folder: Path
    seconds: float
    ends_at: float
    say: Callable[[str], None]
    steps: dict[str, str] = field(default_factory=dict)
    _repositories: dict[Engine, Path] = field(default_factory=dict)

    def run(self) -> Findings:
        """Do every step."""
        self._write_checkpoint()
        answers = [*self._run_torch(), *self._run_onnxruntime()]
        measured = [each for answer in answers for each in answer.measured]
        served = self._serve()
        self._name_what_others_run()
        return Findings(
            shape=self.shape,
            config=self._config,
            device=answers[0].device if answers else cpu_name(),
            libraries="; ".join(answer.libraries for answer in answers),
            matrix=answers[0].matrix if answers else {},
            ceiling_of=_CEILINGS_OF[self.device],
            works=plan_works(self._config, _TOKENS_MAX[self.device]),
            measured=(*measured, served),
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
        require_disk(self.folder, count_bytes(self._config))
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
        return [measure_in(python, request, self.folder / f"{library}.json", self._left())]

    def _left(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())

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
        try:
            done = subprocess.run(
                argv, check=False, capture_output=True, text=True, timeout=self._left(), cwd=ROOT
            )
        except subprocess.TimeoutExpired:
            self._leave_out(step, "there was no time left")
            return None
        if done.returncode:
            self._leave_out(step, (done.stderr.strip().splitlines() or ["it says nothing"])[-1])
            return None
        self.steps[step] = f"done in {time.perf_counter() - began:.1f} s"
        self._repositories[engine] = out
        return out

    def _serve(self) -> Measured:
        repository = self._repositories.get(self.engine) or self._compile(self.engine)
        if repository is None:
            return self._not_served("there is no model repository")
        python = python_with("torch") if self.engine is Engine.TORCH else None
        self.say("Measuring the same through Triton")
        try:
            # Needs what a bare machine has not.
            from bench.model_served import measure_served  # noqa: PLC0415

            return measure_served(
                repository, python or Path(sys.executable), self.folder, self._config, self.seconds
            )
        except Exception as error:  # noqa: BLE001 - what was measured before must not be lost
            return self._not_served(first_line(error))

    def _name_what_others_run(self) -> None:
        """Say what this run was not for: a reader must not have to guess."""
        if self.engine is not Engine.TENSORRT:
            where = "on a GPU in NVIDIA's Triton container, with `--engine tensorrt`"
            self._leave_out("tensorrt", f"it is measured {where}")
        if self.device is Device.CPU:
            self._leave_out("a GPU", "this run used none, so it tells nothing of one")
        if self.shape != "8b":
            self._leave_out("the full shape", "it is measured on a GPU, with `--shape 8b`")

    def _not_served(self, reason: str) -> Measured:
        precision = main_precision(self.engine, self.device)
        return Measured(self.engine, precision, _THROUGH_TRITON, failure=reason)

    def _leave_out(self, step: str, reason: str) -> None:
        self.steps[step] = f"**did not run**: {reason}"
