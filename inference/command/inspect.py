"""`tessera model inspect`: what a checkpoint is, and what each engine would need."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from inference.checkpoint.cards import guess_id
from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import TOKENIZER
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import CheckpointError
from inference.command.shown import one_sentence_per_failure, write_facts, write_table
from inference.command.watched import Watched
from inference.engine.settings import Device
from inference.repository.foresight import OrderError, check_variant, default_precision
from inference.repository.needs import count_bytes, count_parameters, estimate, human
from inference.repository.proving import make_sequences
from inference.variant import Engine, Form, Variant


def inspect(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A Hugging Face folder.")
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the revision, which takes reading all.")
    ] = False,
) -> None:
    """Say what a checkpoint is, what each engine would need, and what is wrong with it."""
    with one_sentence_per_failure():
        opened = Checkpoint.open(checkpoint)
        problems = _problems(opened)
        found = _describe(opened, quick=quick or bool(problems))
    if json:
        typer.echo(orjson.dumps({**found, "problems": problems}, option=orjson.OPT_INDENT_2))
    else:
        _show(found, problems)
    raise typer.Exit(1 if problems else 0)


def _describe(checkpoint: Checkpoint, *, quick: bool) -> dict[str, Any]:
    config = checkpoint.config
    dtypes = sorted({tensor.dtype for tensor in checkpoint.tensors.values()})
    return {
        "id": guess_id(checkpoint.folder),
        "architecture": config.architectures[0],
        "sizes": asdict(config),
        "parameters": count_parameters(checkpoint),
        "dtype": "+".join(dtypes),
        "tensors": len(checkpoint.tensors),
        "files": {n: (checkpoint.folder / n).stat().st_size for n in checkpoint.files},
        "bytes": count_bytes(checkpoint),
        "revision": None if quick else find_revision(checkpoint, Digests(), Watched()),
        "engines": [need for engine in Engine if (need := _need(checkpoint, engine)) is not None],
    }


def _need(checkpoint: Checkpoint, engine: Engine) -> dict[str, Any] | None:
    precision = default_precision(engine, Device.CUDA)
    try:
        check_variant(checkpoint, Variant(engine, Form.PADDED, precision))
    except OrderError:
        return None
    return {
        "engine": engine,
        "precision": precision,
        **asdict(estimate(checkpoint, engine, precision)),
    }


def _problems(checkpoint: Checkpoint) -> list[str]:
    config = checkpoint.config
    try:
        make_sequences(checkpoint.folder / TOKENIZER, config.context_tokens, config.vocabulary_size)
    except CheckpointError as error:
        return [str(error)]
    return []


def _show(found: dict[str, Any], problems: list[str]) -> None:
    sizes = ", ".join(f"{name} {value}" for name, value in found["sizes"].items())
    files = ", ".join(f"{name} ({human(size)})" for name, size in found["files"].items())
    facts = {
        "id": found["id"],
        "architecture": found["architecture"],
        "sizes": sizes.replace("_", " "),
        "parameters": f"{found['parameters']:,}",
        "weights": f"{found['tensors']} tensors, {found['dtype']}, {human(found['bytes'])}",
        "files": files,
        "revision": found["revision"] or "not read",
    }
    write_facts(facts)
    typer.echo()
    rows = [
        (
            need["engine"],
            need["precision"],
            human(need["build_memory"]),
            human(need["build_disk"]),
            human(need["serve_memory"]),
        )
        for need in found["engines"]
    ]
    headings = ("engine", "precision", "memory to build", "disk to build", "memory to serve")
    write_table(headings, rows)
    for problem in problems:
        typer.echo(f"\nproblem: {problem}")
