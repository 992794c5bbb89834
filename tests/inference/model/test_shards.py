"""A checkpoint's tensors are all there, of the right form, and found where they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.safetensors import CheckpointError
from tests.inference.model.checkpoints import Arrays, safetensors_bytes
from tests.inference.model.qwen3_checkpoint import random_arrays, write_qwen3, write_weights

_INDEX = "model.safetensors.index.json"
_FIRST = "model-00001-of-00003.safetensors"
_DOWN = "layers.1.mlp.down_proj.weight"


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A checkpoint of three shards."""
    return write_qwen3(tmp_path, shards=3)


def _change_index(folder: Path, name: str, file: str | None) -> None:
    fields = json.loads((folder / _INDEX).read_text())
    if file is None:
        del fields["weight_map"][name]
    else:
        fields["weight_map"][name] = file
    (folder / _INDEX).write_text(json.dumps(fields))


def _assert_refused(folder: Path, complaint: str) -> None:
    with pytest.raises(CheckpointError, match=complaint) as refusal:
        Checkpoint.open(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def _extents(checkpoint: Checkpoint, arrays: Arrays) -> bool:
    return all(
        np.array_equal(
            np.fromfile(
                checkpoint.folder / tensor.file,
                "<f4",
                count=tensor.length // 4,
                offset=tensor.offset,
            ),
            arrays[name].flatten(),
        )
        for name, tensor in checkpoint.tensors.items()
    )


@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.parametrize("shards", [1, 3])
def test_each_tensor_is_found_in_its_file(tmp_path: Path, prefix: str, shards: int) -> None:
    """By one name, whatever is in front of it in the files."""
    write_qwen3(tmp_path, prefix=prefix, shards=shards)
    checkpoint = Checkpoint.open(tmp_path)
    assert checkpoint.tensors.keys() == checkpoint.config.shapes().keys()
    assert _extents(checkpoint, random_arrays(tmp_path))


def test_the_files_that_hold_tensors_are_named(sharded: Path) -> None:
    """They must lie beside the graph."""
    assert Checkpoint.open(sharded).files == tuple(
        f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)
    )


def test_what_only_predicts_words_is_left_out(tmp_path: Path) -> None:
    """A file that holds nothing else is not needed either."""
    write_qwen3(tmp_path)
    arrays = random_arrays(tmp_path)
    head = {"lm_head.weight": np.zeros((300, 64), dtype=np.float32)}
    write_weights(tmp_path, arrays | head)
    assert "lm_head.weight" not in Checkpoint.open(tmp_path).tensors


def test_a_truncated_shard_is_refused(sharded: Path) -> None:
    """With its name, and how much is missing."""
    whole = (sharded / _FIRST).read_bytes()
    (sharded / _FIRST).write_bytes(whole[:-100])
    _assert_refused(sharded, rf"{_FIRST} is truncated: 100 of {len(whole)} bytes are missing")


def test_a_missing_shard_is_refused(sharded: Path) -> None:
    """With its name."""
    (sharded / _FIRST).unlink()
    _assert_refused(sharded, rf"index\.json names {_FIRST}, which is missing")


def test_a_tensor_that_is_not_in_its_shard_is_refused(sharded: Path) -> None:
    """The index and the shards belong together."""
    _change_index(sharded, "layers.9.none", _FIRST)
    _assert_refused(sharded, rf"{_FIRST} lacks tensor 'layers\.9\.none'")


def test_a_tensor_that_the_index_does_not_know_is_refused(sharded: Path) -> None:
    """It may be left from another checkpoint."""
    _change_index(sharded, "embed_tokens.weight", None)
    _assert_refused(sharded, rf"{_FIRST} holds tensor 'embed_tokens\.weight', of which")


@pytest.mark.parametrize(
    "file", ["../model.safetensors", "/model.safetensors", "", "a/b", "..", "model.onnx"]
)
def test_an_index_that_leaves_the_folder_is_refused(sharded: Path, file: str) -> None:
    """A checkpoint reads nothing but itself, and no shard of it is called like our own files."""
    _change_index(sharded, "norm.weight", file)
    _assert_refused(sharded, "which is no shard here")


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_an_index_without_a_map_is_refused(sharded: Path, content: str) -> None:
    """The file is named."""
    (sharded / _INDEX).write_text(content)
    _assert_refused(sharded, r"index\.json (is not a JSON object|has no weight_map)")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("config.json", r"there is no .*config\.json"),
        ("model.safetensors", r"holds neither model\.safetensors nor"),
    ],
)
def test_a_missing_file_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    """And so is a folder that is none."""
    write_qwen3(tmp_path)
    (tmp_path / name).unlink()
    _assert_refused(tmp_path, complaint)
    _assert_refused(tmp_path / "none", "there is no")


def _write(folder: Path, arrays: Arrays) -> None:
    write_weights(folder, arrays)


def test_a_missing_tensor_is_refused(tmp_path: Path) -> None:
    """It would be made up, or wrong."""
    arrays = random_arrays(write_qwen3(tmp_path))
    del arrays[_DOWN]
    _write(tmp_path, arrays)
    _assert_refused(tmp_path, r"holds no tensor 'layers\.1\.mlp\.down_proj\.weight'")


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Nothing is broadcast or cut in silence."""
    arrays = random_arrays(write_qwen3(tmp_path))
    arrays[_DOWN] = arrays[_DOWN].T.copy()
    _write(tmp_path, arrays)
    _assert_refused(tmp_path, r"has shape \(96, 64\), not \(64, 96\)")


def test_a_tensor_that_holds_integers_is_refused(tmp_path: Path) -> None:
    """Quantised weights need more than their numbers."""
    content = (write_qwen3(tmp_path) / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content.replace(b'"F32"', b'"I32"', 1))
    _assert_refused(tmp_path, r"tensor 'embed_tokens\.weight' of .* is I32, not one of")


@pytest.mark.parametrize(
    "name", ["layers.2.mlp.up_proj.weight", "layers.0.self_attn.q_proj.bias", "model.lm_head.x"]
)
def test_a_tensor_that_the_graph_would_leave_out_is_refused(tmp_path: Path, name: str) -> None:
    """A layer too many, or a bias: the configuration is not the checkpoint's."""
    arrays = random_arrays(write_qwen3(tmp_path))
    arrays[name] = np.zeros(1, dtype=np.float32)
    _write(tmp_path, arrays)
    _assert_refused(tmp_path, "which the graph has no use for")


def test_a_tensor_with_and_without_the_prefix_is_refused(tmp_path: Path) -> None:
    """One of the two would be taken at random."""
    arrays = random_arrays(write_qwen3(tmp_path))
    arrays["model.norm.weight"] = arrays["norm.weight"]
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(arrays))
    _assert_refused(tmp_path, "both with and without 'model.'")
