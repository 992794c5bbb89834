"""From a checkpoint to a folder that Triton, authz and the adapter read."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.models import card_file, tokenizer_file
from inference import golden, provenance, serving, tensors
from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import TOKENIZER, KnownModel, check_pins
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import CheckpointError
from inference.engine.settings import EngineSettings
from inference.golden import Golden
from inference.progress import Progress, Silent
from inference.provenance import Provenance
from inference.repository.description import Description
from inference.repository.engine_files import EngineFiles
from inference.repository.engines import make_files
from inference.repository.layout import Layout
from inference.repository.order import Order
from inference.repository.proving import make_golden
from inference.repository.store import CURRENT, is_complete, store
from inference.repository.tuning import Tuning
from inference.repository.workshop import Workshop, workshop_of
from inference.serving import Serving

_MODEL: Final = f"triton/{tensors.MODEL}"
_CARD: Final = Path("card")
_GOLDEN: Final = str(_CARD / golden.FILE)

Prove = Callable[[Order, Workshop, Progress], Golden | None]
"""Makes the golden vectors of an order, where it can."""


def build_repository(
    model: KnownModel, checkpoint: Path, out: Path, tuning: Tuning | None = None
) -> bool:
    """Build the repository of a pinned checkpoint; return whether anything had to be done.

    Raises:
        CheckpointError: the checkpoint is not the model's, or damaged.
        OSError: a file cannot be read or written.
    """
    check_pins(model, checkpoint)
    order = Order(Checkpoint.open(checkpoint), model.card, tuning=tuning or Tuning())
    check_card(order)
    return fulfil(order, out)


def fulfil(
    order: Order,
    out: Path,
    progress: Progress | None = None,
    prove: Prove = make_golden,
    *,
    keep: bool = True,
) -> bool:
    """Build `<out>/triton` and `<out>/card`; return whether anything had to be done.

    With `keep`, golden vectors of an earlier build that differs in nothing are not made again.

    Raises:
        CheckpointError: the checkpoint's parts do not fit together.
        CompileError: TensorRT cannot compile it.
        OSError: a file cannot be read or written.
    """
    progress = progress or Silent()
    with workshop_of(out, progress) as workshop:
        revision = find_revision(order.checkpoint, workshop.digests, progress)
        engine = make_files(order, revision, workshop, progress)
        layout = lay_out(order, engine, _trace(order, engine, revision, workshop.digests, progress))
        kept = _kept(layout, out) if keep else None
        vectors = kept or _dump(prove(order, workshop, progress))
        if vectors is not None:
            layout = layout.with_written({_GOLDEN: vectors})
        return store(layout, out, workshop.digests, progress)


def check_card(order: Order) -> None:
    """Check that callers are not told of limits that the model does not have.

    Raises:
        CheckpointError: they would be.
    """
    card, config = order.card, order.checkpoint.config
    promised = (card.context_tokens, card.dimensions_max, card.vocabulary_size)
    found = (config.context_tokens, config.width, config.vocabulary_size)
    if promised != found:
        raise CheckpointError(
            f"{card.id}'s card says (context, width, vocabulary) {promised}, its config {found}"
        )


def lay_out(order: Order, engine: EngineFiles, origin: Provenance) -> Layout:
    """Work out the repository's files, all but the golden vectors."""
    served = Serving(
        variant=order.variant,
        buckets=engine.buckets,
        rows_max=order.rows_max,
        tokens_max=order.tokens_max,
        fingerprint=origin.fingerprint,
    )
    described = Description(
        serving=served, settings=_settings(order), instances=order.tuning.instances
    )
    version = f"{_MODEL}/1"
    return Layout(
        written={
            **{f"{_MODEL}/{path}": content for path, content in described.files().items()},
            **{f"{version}/{name}": content for name, content in engine.files.written.items()},
            str(card_file(_CARD)): order.card.dump(),
            str(_CARD / serving.FILE): served.dump(),
            str(_CARD / provenance.FILE): origin.dump(),
        },
        taken={
            **{f"{version}/{name}": source for name, source in engine.files.taken.items()},
            str(tokenizer_file(_CARD)): order.checkpoint.folder / TOKENIZER,
        },
    )


def _settings(order: Order) -> EngineSettings:
    card = order.card
    return EngineSettings(
        vocabulary_size=card.vocabulary_size,
        context_tokens=card.context_tokens,
        width=card.dimensions_max,
        threads=order.tuning.threads,
        run_tokens_max=order.tuning.run_tokens_max,
        engine=order.variant.engine,
        precision=order.variant.precision,
        device=order.device,
    )


def _trace(
    order: Order, engine: EngineFiles, revision: str, digests: Digests, progress: Progress
) -> Provenance:
    return Provenance(
        model=order.card.id,
        revision=revision,
        tokenizer=digests.of(order.checkpoint.folder / TOKENIZER, progress),
        pooling=order.checkpoint.config.pooling,
        precision=order.variant.precision,
        engine=engine.library,
        form=order.variant.form,
        target=engine.target,
        scales=engine.scales,
    )


def _kept(layout: Layout, out: Path) -> bytes | None:
    """Return the golden vectors of an earlier build that differs in nothing."""
    build = out / CURRENT
    if not is_complete(layout, build):
        return None
    try:
        vectors = Golden.read(build / _CARD)
    except ValueError:
        return None
    return _dump(vectors)


def _dump(vectors: Golden | None) -> bytes | None:
    return None if vectors is None else vectors.dump()
