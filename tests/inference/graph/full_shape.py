"""A checkpoint of Qwen3-Embedding-8B's full shape whose weights take no room: holes in files."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from inference.checkpoint.json_file import JsonFile
from inference.checkpoint.qwen3 import Qwen3Config
from tests.inference.model.qwen3_checkpoint import QWEN3

FULL_SHAPE: Final[Mapping[str, object]] = {
    **QWEN3,
    "head_dim": 128,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "max_position_embeddings": 40960,
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "vocab_size": 151665,
}
_SHARD_BYTES: Final = 5_000_000_000

Shapes = dict[str, tuple[int, ...]]


def write_full_shape(folder: Path) -> int:
    """Write the checkpoint in bfloat16, of several shards; return the bytes of its weights."""
    (folder / "config.json").write_text(json.dumps(FULL_SHAPE))
    shapes = Qwen3Config.parse(JsonFile.read(folder / "config.json")).shapes()
    index: dict[str, str] = {}
    for number, shard in enumerate(_shards(shapes)):
        file = f"model-{number + 1:05}.safetensors"
        _write_shard(folder / file, shard)
        index |= dict.fromkeys(shard, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return sum(map(_size, shapes.values()))


def _shards(shapes: Shapes) -> Iterator[Shapes]:
    shard: Shapes = {}
    for name, shape in shapes.items():
        if shard and sum(map(_size, shard.values())) + _size(shape) > _SHARD_BYTES:
            yield shard
            shard = {}
        shard[name] = shape
    yield shard


def _write_shard(path: Path, shapes: Shapes) -> None:
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + _size(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def _size(shape: tuple[int, ...]) -> int:
    return 2 * math.prod(shape)
