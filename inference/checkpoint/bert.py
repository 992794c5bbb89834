"""The sizes of a BERT encoder, from a checkpoint's `config.json`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import orjson

from inference.checkpoint.safetensors import CheckpointError

_FIXED: Final = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}
"""What the graph takes for granted; older files leave out a field that has this value."""


@dataclass(frozen=True, slots=True)
class BertConfig:
    """Sizes of the encoder; `context_tokens` is the number of learned positions."""

    layers: int
    heads: int
    width: int
    feed_forward_width: int
    context_tokens: int
    vocabulary_size: int
    token_types: int
    norm_epsilon: float

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a checkpoint folder's `config.json`.

        Raises:
            CheckpointError: it is not a BERT that our graph can express.
            OSError: there is none.
        """
        path = folder / "config.json"
        try:
            fields = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise CheckpointError(f"{path} is not JSON") from error
        if not isinstance(fields, dict):
            raise CheckpointError(f"{path} is not a JSON object")
        for name, expected in _FIXED.items():
            if (found := fields.get(name, expected)) != expected:
                raise CheckpointError(f"{path}: {name} is {found!r}, not {expected!r}")
        config = cls(
            layers=_count(path, fields, "num_hidden_layers"),
            heads=_count(path, fields, "num_attention_heads"),
            width=_count(path, fields, "hidden_size"),
            feed_forward_width=_count(path, fields, "intermediate_size"),
            context_tokens=_count(path, fields, "max_position_embeddings"),
            vocabulary_size=_count(path, fields, "vocab_size"),
            token_types=_count(path, fields, "type_vocab_size"),
            norm_epsilon=_epsilon(path, fields.get("layer_norm_eps")),
        )
        if config.width % config.heads:
            raise CheckpointError(f"{path}: {config.width} is no multiple of {config.heads} heads")
        return config


def _count(path: Path, fields: dict[str, object], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 1:
        raise CheckpointError(f"{path}: {name} is {value!r}, not a positive integer")
    return value


def _epsilon(path: Path, value: object) -> float:
    if not isinstance(value, float) or not 0 < value < 1:
        raise CheckpointError(f"{path}: layer_norm_eps is {value!r}, not a small number")
    return value
