"""`tessera model compile`: from a checkpoint to what Triton and the adapter serve."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from inference.checkpoint.cards import card_of
from inference.checkpoint.folder import Checkpoint
from inference.command.shown import fail, one_sentence_per_failure, write_facts
from inference.command.watched import Watched
from inference.engine.settings import Device
from inference.repository.build import Prove, fulfil
from inference.repository.foresight import check_order, default_precision
from inference.repository.loadable import foresee_plan, judge_plan
from inference.repository.order import Order
from inference.repository.proving import make_golden, take_golden
from inference.repository.tuning import Tuning
from inference.repository.verification import Repository
from inference.variant import Engine, Form, Precision, Variant

_TOKENS_MAX: Final = {Engine.ONNXRUNTIME: 2048, Engine.TENSORRT: 4096, Engine.TORCH: 4096}


def compile_model(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A Hugging Face folder.")
    ],
    engine: Annotated[Engine, typer.Option(help="What computes the vectors.")],
    out: Annotated[Path, typer.Option(metavar="REPOSITORY", help="The folder to build in.")],
    precision: Annotated[
        Precision | None, typer.Option(help="bf16 on a GPU and fp32 on a CPU, unless named.")
    ] = None,
    form: Annotated[
        Form, typer.Option(help="How TensorRT takes a batch; packed is experimental.")
    ] = Form.PADDED,
    target: Annotated[
        str | None,
        typer.Option(help="Which GPU TensorRT compiles for, such as sm89; this machine's."),
    ] = None,
    device: Annotated[Device, typer.Option(help="What PyTorch computes on.")] = Device.CUDA,
    tokens_max: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens in a batch, padding included: 4096; on a CPU 2048."),
    ] = None,
    rows_max: Annotated[int, typer.Option(min=1, max=1024, help="Rows in a batch.")] = 32,
    context: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens in a text: what the model knows, at most 32768."),
    ] = None,
    called: Annotated[
        str | None, typer.Option("--id", help="What callers name the model by; its folder's name.")
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help="Another name that callers may use; repeatable.")
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            metavar="REPOSITORY", help="Take the golden vectors of another of the same checkpoint."
        ),
    ] = None,
    *,
    refuse_token_ids: Annotated[
        bool,
        typer.Option(
            "--refuse-token-ids", help="Take text alone: some clients send another model's ids."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Go on where memory or disk look too small.")
    ] = False,
) -> None:
    """Build a model repository: what Triton loads, and what authz and the adapter read.

    Whatever can be foreseen is said before long work begins. What an earlier, interrupted run has
    done is not done again: start it once more with the same arguments.
    """
    used = device if engine is Engine.TORCH else Device.CPU
    tokens = tokens_max or _TOKENS_MAX[engine]
    with one_sentence_per_failure():
        opened = Checkpoint.open(checkpoint)
        order = Order(
            checkpoint=opened,
            card=card_of(
                opened,
                called,
                context,
                aliases=alias or (),
                token_ids_accepted=not refuse_token_ids,
            ),
            variant=Variant(engine, form, precision or default_precision(engine, used)),
            tokens_max=tokens,
            rows_max=rows_max,
            target=target and target.lower(),
            device=used,
            tuning=_tuning(engine, tokens),
        )
        check_order(order, out, room=not force)
        if (warning := foresee_plan(order)) is not None:
            typer.echo(f"tessera: {warning}", err=True)
        prove = make_golden if golden is None else _taken_from(golden)
        changed = fulfil(order, out, Watched(), prove, keep=golden is None)
        _show(Repository.read(out), out, changed=changed)


def _tuning(engine: Engine, tokens_max: int) -> Tuning:
    if engine is Engine.TORCH:  # one holds the weights, and a GPU is not shared
        return Tuning(instances=1, threads=2, run_tokens_max=tokens_max)
    return Tuning(run_tokens_max=tokens_max)


def _taken_from(out: Path) -> Prove:
    try:
        other = Repository.read(out)
    except ValueError as error:
        fail(f"{out} is damaged: {error}")
    if other.golden is None:
        fail(f"{out} has no golden vectors: name another with --golden")
    return partial(take_golden, other)


def _show(built: Repository, out: Path, *, changed: bool) -> None:
    origin, golden = built.provenance, built.golden
    typer.echo(f"{'Built' if changed else 'Nothing to do for'} {out}:")
    facts = {
        "model": built.card.id,
        "engine": f"{origin.engine}{f' for {origin.target}' if origin.target else ''}",
        "form": f"{origin.form}, {origin.precision}",
        "fingerprint": origin.fingerprint,
        "golden vectors": "none"
        if golden is None
        else f"{len(golden.sequences)}, made by {golden.made_by}",
    }
    write_facts({f"  {name}": value for name, value in facts.items()})
    if (warning := judge_plan(origin)) is not None:
        typer.echo(f"It cannot be served: {warning}")
    else:
        typer.echo(f"Next: tessera model verify {out}")
