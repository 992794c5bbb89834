"""What crosses between the benchmark and the processes that measure for it: JSON files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from inference.engine.settings import Device
from inference.variant import Engine, Precision

TRANSFORMERS = "transformers"
"""The reference, among the engines."""
HERE = "in process"
"""Where an engine is measured that no server stands before."""


@dataclass(frozen=True, slots=True)
class Task:
    """An engine to be measured; one that is only compared gives vectors and no figures."""

    engine: Engine
    precision: Precision
    compared_only: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure: `folder` holds what the engines load, `results` takes what they give.

    `references` are the precisions in which transformers is to run the parity's sequences, which
    have `lengths` or, without any, those that suit a GPU.
    """

    folder: Path
    checkpoint: Path
    results: Path
    device: Device
    tasks: tuple[Task, ...]
    references: tuple[Precision, ...]
    tokens_max: int
    seconds: float
    lengths: tuple[int, ...] = ()

    def write(self, path: Path) -> None:
        """Leave it for the process that will read it."""
        path.write_text(json.dumps(asdict(self), default=str))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        fields = json.loads(path.read_text())
        return cls(
            folder=Path(fields["folder"]),
            checkpoint=Path(fields["checkpoint"]),
            results=Path(fields["results"]),
            device=Device(fields["device"]),
            tasks=tuple(
                Task(Engine(task["engine"]), Precision(task["precision"]), task["compared_only"])
                for task in fields["tasks"]
            ),
            references=tuple(map(Precision, fields["references"])),
            tokens_max=fields["tokens_max"],
            seconds=fields["seconds"],
            lengths=tuple(fields["lengths"]),
        )


@dataclass(frozen=True, slots=True)
class Waits:
    """How long queries waited, in milliseconds, while bulk load took what was left."""

    queries: int
    p50_ms: float
    p99_ms: float
    bulk_tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine's figures: tokens a second by the name of the work.

    `vectors` names a file of the parity's vectors; `failure` says why there is nothing, `notes`
    what was done in a slower way than it can be.
    """

    engine: str
    precision: str
    where: str
    rates: Mapping[str, float] = field(default_factory=dict)
    waits: Waits | None = None
    vectors: str | None = None
    failure: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"{self.engine} {self.precision}, {self.where}"

    @property
    def outcome(self) -> str:
        """Whether it ran, and how."""
        if self.failure is not None:
            return f"**did not run**: {self.failure}"
        return "; ".join(("measured and compared" if self.rates else "compared", *self.notes))

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote."""
        waits = fields["waits"] and Waits(**fields["waits"])
        return cls(**{**fields, "waits": waits, "notes": tuple(fields["notes"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process measured: the device, its matrix rates in FLOP/s by precision, the engines."""

    device: str
    libraries: str
    matrix: Mapping[str, float]
    measured: tuple[Measured, ...]

    def write(self, path: Path) -> None:
        """Leave it for the process that asked, whole: this one may be ended at any moment."""
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        fields = json.loads(path.read_text())
        return cls(**{**fields, "measured": tuple(map(Measured.parse, fields["measured"]))})
