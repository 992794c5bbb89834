"""Makes golden vectors: by ONNX Runtime on this machine's CPU, in single precision.

It is the engine that is compared with the reference implementation number by number, needs no GPU,
and is another than those that serve big models: so each of them is held to an independent one.
A model that does not fit into this machine's memory gets none here. It can take those of another
repository, which were made on a larger machine, or by PyTorch on a GPU.
"""

from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from inference.checkpoint.known import TOKENIZER
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import CheckpointError
from inference.engine.encoder import Encoder
from inference.golden import COSINE_MIN, Golden, golden_of
from inference.graph.write import write_graph
from inference.progress import Progress
from inference.repository.needs import reference_memory
from inference.repository.order import Order
from inference.repository.verification import Repository
from inference.repository.workshop import Workshop
from inference.tensorrt.room import Room
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
    """Run a few texts through the checkpoint's graph.

    Raises:
        CheckpointError: the tokenizer is damaged, or not this model's.
        OSError: a file cannot be read or written.
    """
    tokenizer = order.checkpoint.folder / TOKENIZER
    sequences = make_sequences(tokenizer, order.card.context_tokens, order.card.vocabulary_size)
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
    vectors = np.concatenate(rows)
    if not np.isfinite(vectors).all():
        raise CheckpointError(f"{order.checkpoint.folder} gives vectors that are not finite")
    return golden_of(
        sequences,
        vectors,
        order.variant.precision,
        workshop.digests.of(tokenizer, progress),
        "ONNX Runtime in fp32",
    )


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


def make_golden_if_it_fits(order: Order, workshop: Workshop, progress: Progress) -> Golden | None:
    """Do so where this machine has the memory, and nothing elsewhere.

    Raises:
        CheckpointError: the tokenizer is damaged, or not this model's.
        OSError: a file cannot be read or written.
    """
    if Room.here(workshop.folder).memory < reference_memory(order.checkpoint):
        return None
    return make_golden(order, workshop, progress)


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
