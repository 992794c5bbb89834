"""The local model as a folder's files: graph, Triton configuration, card."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.models import card_file, tokenizer_file
from inference import tensors
from inference.checkpoint.bert import BertConfig
from inference.checkpoint.known import TOKENIZER, WEIGHTS, KnownModel
from inference.checkpoint.safetensors import CheckpointError, read_tensors
from inference.engine.settings import GRAPH, EngineSettings
from inference.graph.bert import write_bert
from inference.repository.description import ModelSpec, TensorSpec

_VERSION: Final = f"triton/{tensors.MODEL}/1"
_CARD: Final = Path("card")
_ENTRY: Final = '''"""What Triton loads; the code is the installed package's."""

from inference.engine.triton import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the model uses its machine; the defaults suit two cores that other processes share.

    Two instances of one thread beat one of two threads: neither waits for the other, so a core
    that Envoy, authz or the adapter takes for a moment stalls one batch and not both.
    """

    instances: int = 2
    threads: int = 1
    run_tokens_max: int = 2048


@dataclass(frozen=True, slots=True)
class Layout:
    """A repository's files by their path in it: some written, some copied from elsewhere."""

    written: dict[str, bytes]
    copied: dict[str, Path]


def lay_out(model: KnownModel, checkpoint: Path, tuning: Tuning) -> Layout:
    """Work out the repository of a checkpoint.

    Raises:
        CheckpointError: the checkpoint's parts do not fit together, or with the card.
        OSError: one cannot be read.
    """
    config = BertConfig.read(checkpoint)
    _check_card(model, config)
    graph = write_bert(config, read_tensors(checkpoint / WEIGHTS), WEIGHTS)
    return Layout(
        written={
            f"triton/{tensors.MODEL}/config.pbtxt": describe(model, tuning).render().encode(),
            f"{_VERSION}/model.py": _ENTRY.encode(),
            f"{_VERSION}/{GRAPH}": graph.SerializeToString(deterministic=True),
            str(card_file(_CARD)): model.card.dump(),
        },
        copied={
            f"{_VERSION}/{WEIGHTS}": checkpoint / WEIGHTS,
            str(tokenizer_file(_CARD)): checkpoint / TOKENIZER,
        },
    )


def describe(model: KnownModel, tuning: Tuning) -> ModelSpec:
    """Describe how Triton serves the model."""
    card = model.card
    settings = EngineSettings(
        vocabulary_size=card.vocabulary_size,
        context_tokens=card.context_tokens,
        width=card.dimensions_max,
        threads=tuning.threads,
        run_tokens_max=tuning.run_tokens_max,
    )
    return ModelSpec(
        name=tensors.MODEL,
        rows_max=tensors.ROWS_MAX,
        inputs=(
            TensorSpec(tensors.INPUT_IDS, "TYPE_INT32", (-1,), ragged=True),
            TensorSpec(tensors.LENGTHS, "TYPE_INT32", (1,)),
        ),
        outputs=(TensorSpec(tensors.EMBEDDING, "TYPE_FP32", (card.dimensions_max,)),),
        instances=tuning.instances,
        parameters=settings.parameters(),
    )


def _check_card(model: KnownModel, config: BertConfig) -> None:
    card = model.card
    promised = (card.context_tokens, card.dimensions_max, card.vocabulary_size)
    found = (config.context_tokens, config.width, config.vocabulary_size)
    if promised != found:
        raise CheckpointError(
            f"{card.id}'s card says (context, width, vocabulary) {promised}, its config {found}"
        )
