"""What goes wrong while a model is measured costs no more than what it spoils, and is said."""

import logging
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.model_engine import _attempt
from bench.model_machine import require_disk
from bench.model_messages import Answer, Measured, Request, Task
from bench.model_python import measure_in
from bench.model_warnings import warnings_heard
from inference.engine.settings import Device
from inference.variant import Engine, Precision


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """Not after minutes."""
    require_disk(tmp_path, 1)
    with pytest.raises(SystemExit, match="name another folder with --folder"):
        require_disk(tmp_path, 2**62)


def test_an_engine_that_fails_in_any_way_leaves_the_others_be() -> None:
    """Also where its exception says nothing."""

    def fail() -> Measured:
        raise TypeError

    assert _attempt("torch", Precision.BF16, fail).failure == "TypeError"


def test_what_was_measured_before_a_process_died_is_kept(tmp_path: Path) -> None:
    """Of the rest it is said that it did not run, and why."""
    measured = Measured("torch", "bf16", "in process", {"32": 5.0}, notes=("slowly",))
    Answer("a GPU", "torch", {"bf16": 1.0}, (measured,)).write(tmp_path / "partial")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncp {tmp_path}/partial "$4"\nkill -9 $$\n')
    python.chmod(0o755)
    request = Request(
        folder=tmp_path,
        checkpoint=tmp_path,
        results=tmp_path,
        device=Device.CUDA,
        tasks=(Task(Engine.TORCH, Precision.BF16), Task(Engine.TORCH, Precision.FP8)),
        references=(Precision.FP32,),
        tokens_max=1,
        seconds=1,
    )
    answer = measure_in(python, request, tmp_path / "answer.json", 60)
    assert asdict(answer.measured[0]) == asdict(measured)
    assert [(each.name, each.failure) for each in answer.measured[1:]] == [
        ("torch fp8, in process", "its process ended with -9"),
        ("transformers fp32, in process", "its process ended with -9"),
    ]


def test_what_an_engine_warns_of_is_in_the_report() -> None:
    """A figure that a slower way made must not pass for what the engine can do."""
    with warnings_heard("inference.engine") as notes:
        logging.getLogger("inference.engine.torch_fusion").warning("not fused: %s", "no cc\nmore")
    measured = Measured("torch", "bf16", "in process", {"32": 5.0}, notes=tuple(notes))
    assert measured.outcome == "measured and compared; not fused: no cc"
