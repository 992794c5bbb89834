"""Makes golden vectors on this machine's CPU, in single precision.

Qwen3's are made by code that no engine shares, in about a gigabyte whatever the model's size; those
of a BERT, which is small, by ONNX Runtime.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import TOKENIZER
from inference.checkpoint.qwen3 import Qwen3Config
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import CheckpointError
from inference.engine.rows import Vectors
from inference.golden import COSINE_MIN, Golden, golden_of
from inference.graph.write import write_graph
from inference.progress import Progress
from inference.repository.order import Order
from inference.repository.plain_qwen3 import PlainQwen3
from inference.repository.verification import Repository
from inference.repository.workshop import Workshop
from inference.variant import Form, Precision

_TEXTS: Final = (
    "a",
    "Tessera turns texts into vectors.",
    "Instruct: Answer the question\nQuery:At what temperature does water boil?",
    "def area(radius: float) -> float:\n    return 3.14159 * radius**2\n",
    "水は百度で沸騰する。 Вода кипит при ста градусах. 🌋",
    "The quick brown fox jumps over the lazy dog. " * 30,
)
_THREADS: Final = 2


def make_golden(order: Order, workshop: Workshop, progress: Progress) -> Golden:
    """Run a few texts through the checkpoint's model.

    Raises:
        CheckpointError: the tokenizer is damaged, or not this model's, or the weights are no model.
        OSError: a file cannot be read or written.
    """
    tokenizer = order.checkpoint.folder / TOKENIZER
    sequences = make_sequences(tokenizer, order.card.context_tokens, order.card.vocabulary_size)
    config = order.checkpoint.config
    if isinstance(config, Qwen3Config):
        made_by, vectors = (
            "NumPy in fp32",
            _run_plainly(order.checkpoint, config, sequences, progress),
        )
    else:
        made_by, vectors = "ONNX Runtime in fp32", _run_graph(order, sequences, workshop, progress)
    if not np.isfinite(vectors).all():
        raise CheckpointError(f"{order.checkpoint.folder} gives vectors that are not finite")
    digest = workshop.digests.of(tokenizer, progress)
    return golden_of(sequences, vectors, order.variant.precision, digest, made_by)


def _run_plainly(
    checkpoint: Checkpoint, config: Qwen3Config, sequences: Sequence[list[int]], progress: Progress
) -> Vectors:
    size = sum(tensor.length for tensor in checkpoint.tensors.values())
    with progress.step("making golden vectors", size) as advance, np.errstate(all="ignore"):
        return PlainQwen3(checkpoint, config, advance).embed(sequences)


def _run_graph(
    order: Order, sequences: Sequence[list[int]], workshop: Workshop, progress: Progress
) -> Vectors:
    # Where only Qwen3 is built it need not be installed.
    from inference.engine.encoder import Encoder  # noqa: PLC0415

    graph = write_graph(
        order.checkpoint,
        Precision.FP32,
        Form.PADDED,
        for_tensorrt=False,
        positions_max=order.card.context_tokens,
    )
    with (
        workshop.graph_file(graph, order.checkpoint, progress) as path,
        progress.step("making golden vectors"),
    ):
        encoder = Encoder.load(path, _THREADS)
        rows = [encoder.embed([np.array(ids, dtype=np.int32)]) for ids in sequences]
    return np.concatenate(rows)


def make_sequences(tokenizer: Path, context_tokens: int, vocabulary_size: int) -> list[list[int]]:
    """Return the texts' token ids as the model runs them, cut to its context.

    Raises:
        CheckpointError: the tokenizer is damaged, or not this model's.
    """
    try:
        encoder = Tokenizer.from_file(str(tokenizer))
        encoder.no_truncation()
        encoder.no_padding()
        sequences = [encoder.encode(text).ids[:context_tokens] for text in _TEXTS]
    except Exception as error:  # tokenizers raises nothing narrower
        raise CheckpointError(f"{tokenizer} is no tokenizer: {error}") from error
    if not all(sequences):
        raise CheckpointError(f"{tokenizer} makes no token of {_TEXTS[sequences.index([])]!r}")
    highest = max(map(max, sequences))
    if highest >= vocabulary_size:
        raise CheckpointError(
            f"{tokenizer} makes token id {highest}, the model knows those below {vocabulary_size}"
        )
    return sequences


def take_golden(other: Repository, order: Order, workshop: Workshop, progress: Progress) -> Golden:
    """Take the golden vectors of another repository of the same checkpoint.

    It may have been built for longer texts than this one: theirs are left out.

    Raises:
        CheckpointError: it is another checkpoint's, or has none.
        OSError: a file cannot be read.
    """
    origin, vectors = other.provenance, other.golden
    if vectors is None:
        raise CheckpointError(f"{other.build} has no golden vectors")
    if origin.revision != find_revision(order.checkpoint, workshop.digests, progress):
        raise CheckpointError(f"{other.build} was built from another checkpoint: {origin.revision}")
    fitting = [len(ids) <= order.card.context_tokens for ids in vectors.sequences]
    if not any(fitting):
        raise CheckpointError(f"{other.build} has golden vectors of longer texts alone")
    return replace(
        vectors,
        sequences=tuple(compress(vectors.sequences, fitting)),
        vectors=vectors.vectors[fitting],
        cosine_min=COSINE_MIN[order.variant.precision],
    )
