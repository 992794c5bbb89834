"""What a BERT encoder is, from a checkpoint's `config.json`: its sizes, and its tensors' shapes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from inference.checkpoint.json_file import LAYERS_MAX, JsonFile
from inference.checkpoint.safetensors import CheckpointError

_FIXED: Final = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "quantization_config": None,
}
"""What the graph takes for granted; older files leave out a field that has this value."""

_Shapes = Iterator[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class BertConfig:
    """Sizes of the encoder; `context_tokens` is the number of learned positions."""

    architectures: ClassVar = ("BertModel", "BertForMaskedLM", "BertForPreTraining")
    prefix: ClassVar = "bert."
    unused: ClassVar = ("embeddings.position_ids", "pooler.", "cls.")
    pooling: ClassVar = "mean_tokens"

    layers: int
    heads: int
    width: int
    feed_forward_width: int
    context_tokens: int
    vocabulary_size: int
    token_types: int
    norm_epsilon: float

    @classmethod
    def parse(cls, file: JsonFile) -> Self:
        """Read the sizes.

        Raises:
            CheckpointError: it is not a BERT that our graph can express.
        """
        file.require(_FIXED)
        config = cls(
            layers=file.count("num_hidden_layers", LAYERS_MAX),
            heads=file.count("num_attention_heads"),
            width=file.count("hidden_size"),
            feed_forward_width=file.count("intermediate_size"),
            context_tokens=file.count("max_position_embeddings"),
            vocabulary_size=file.count("vocab_size"),
            token_types=file.count("type_vocab_size"),
            norm_epsilon=file.fraction("layer_norm_eps"),
        )
        if config.width % config.heads:
            raise CheckpointError(
                f"{file.path}: {config.width} is no multiple of {config.heads} heads"
            )
        return config

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor that the graph uses, by name."""
        shapes: dict[str, tuple[int, ...]] = {
            "embeddings.word_embeddings.weight": (self.vocabulary_size, self.width),
            "embeddings.position_embeddings.weight": (self.context_tokens, self.width),
            "embeddings.token_type_embeddings.weight": (self.token_types, self.width),
        }
        shapes |= self._norm("embeddings.LayerNorm")
        for index in range(self.layers):
            shapes |= dict(self._layer(f"encoder.layer.{index}"))
        return shapes

    def _layer(self, name: str) -> _Shapes:
        width, inner = self.width, self.feed_forward_width
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            yield from _linear(f"{name}.attention.{part}", width, width)
        yield from _linear(f"{name}.intermediate.dense", width, inner)
        yield from _linear(f"{name}.output.dense", inner, width)
        for part in ("attention.output", "output"):
            yield from self._norm(f"{name}.{part}.LayerNorm").items()

    def _norm(self, name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (self.width,), f"{name}.bias": (self.width,)}


def _linear(name: str, width_in: int, width_out: int) -> _Shapes:
    yield f"{name}.weight", (width_out, width_in)
    yield f"{name}.bias", (width_out,)
