"""What makes golden vectors gives the vectors that Hugging Face transformers gives."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.engine.rows import Ids, Vectors
from inference.repository.plain_qwen3 import PlainQwen3
from tests.inference.graph.conftest import References, Texts
from tests.inference.graph.shapes import SHAPES

_ERROR_MAX: Final = 1e-5

each_shape = pytest.mark.parametrize("shape", SHAPES)


@each_shape
def test_texts_of_many_lengths_together(
    checkpoints: dict[str, Checkpoint], texts: Texts, references: References, shape: str
) -> None:
    """None sees another, nor what comes after a token."""
    chosen = [0, 1, 2, 9, 63, 64, 299, 598, 599]
    ours = _embed(checkpoints[shape], [texts.beginnings[index] for index in chosen])
    assert np.abs(ours - references.beginnings[shape][chosen]).max() <= _ERROR_MAX


@each_shape
def test_texts_that_end_in_the_end_token(
    checkpoints: dict[str, Checkpoint], texts: Texts, references: References, shape: str
) -> None:
    """As the tokenizer's post-processor leaves them."""
    ours = _embed(checkpoints[shape], texts.ended)
    assert np.abs(ours - references.ended[shape]).max() <= _ERROR_MAX


def test_each_weight_is_read_once(checkpoints: dict[str, Checkpoint], texts: Texts) -> None:
    """However many texts there are; and whoever waits is told."""
    for checkpoint in checkpoints.values():
        read: list[int] = []
        _embed(checkpoint, texts.ended, read)
        assert len(read) == len(checkpoint.tensors)
        assert sum(read) == sum(tensor.length for tensor in checkpoint.tensors.values())


def _embed(
    checkpoint: Checkpoint, sequences: Sequence[Ids], read: list[int] | None = None
) -> Vectors:
    assert isinstance(checkpoint.config, Qwen3Config)
    seen = [] if read is None else read
    return PlainQwen3(checkpoint, checkpoint.config, seen.append).embed(
        [sequence.tolist() for sequence in sequences]
    )
