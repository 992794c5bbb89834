"""What a Qwen3 is, from a checkpoint's `config.json`: its sizes, and its tensors' shapes."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from inference.checkpoint.json_file import LAYERS_MAX, JsonFile
from inference.checkpoint.safetensors import CheckpointError

_FIXED: Final = {
    "model_type": "qwen3",
    "hidden_act": "silu",
    "attention_bias": False,
    "use_sliding_window": False,
    "rope_scaling": None,
    "rope_parameters": None,
    "is_causal": True,
    "use_bidirectional_attention": False,
    "quantization_config": None,
}
"""What the graph takes for granted. Tied embeddings do not matter: no token is predicted here."""


@dataclass(frozen=True, slots=True)
class Qwen3Config:
    """Sizes of the decoder; `head_width` times `heads` need not be `width`."""

    architectures: ClassVar = ("Qwen3Model", "Qwen3ForCausalLM")
    prefix: ClassVar = "model."
    unused: ClassVar = ("lm_head.weight",)
    pooling: ClassVar = "lasttoken"

    layers: int
    heads: int
    kv_heads: int
    head_width: int
    width: int
    feed_forward_width: int
    context_tokens: int
    vocabulary_size: int
    rope_theta: float
    norm_epsilon: float

    @classmethod
    def parse(cls, file: JsonFile) -> Self:
        """Read the sizes.

        Raises:
            CheckpointError: it is not a Qwen3 that our graph can express.
        """
        file.require(_FIXED)
        config = cls(
            layers=file.count("num_hidden_layers", LAYERS_MAX),
            heads=file.count("num_attention_heads"),
            kv_heads=file.count("num_key_value_heads"),
            head_width=file.count("head_dim"),
            width=file.count("hidden_size"),
            feed_forward_width=file.count("intermediate_size"),
            context_tokens=file.count("max_position_embeddings"),
            vocabulary_size=file.count("vocab_size"),
            rope_theta=file.number("rope_theta"),
            norm_epsilon=file.fraction("rms_norm_eps"),
        )
        config._check(file)
        return config

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor that the graph uses, by name."""
        shapes: dict[str, tuple[int, ...]] = {
            "embed_tokens.weight": (self.vocabulary_size, self.width),
            "norm.weight": (self.width,),
        }
        for index in range(self.layers):
            shapes |= self._layer(f"layers.{index}")
        return shapes

    def _layer(self, name: str) -> dict[str, tuple[int, ...]]:
        query, key = self.heads * self.head_width, self.kv_heads * self.head_width
        width, inner = self.width, self.feed_forward_width
        return {
            f"{name}.input_layernorm.weight": (width,),
            f"{name}.self_attn.q_proj.weight": (query, width),
            f"{name}.self_attn.k_proj.weight": (key, width),
            f"{name}.self_attn.v_proj.weight": (key, width),
            f"{name}.self_attn.o_proj.weight": (width, query),
            f"{name}.self_attn.q_norm.weight": (self.head_width,),
            f"{name}.self_attn.k_norm.weight": (self.head_width,),
            f"{name}.post_attention_layernorm.weight": (width,),
            f"{name}.mlp.gate_proj.weight": (inner, width),
            f"{name}.mlp.up_proj.weight": (inner, width),
            f"{name}.mlp.down_proj.weight": (width, inner),
        }

    def _check(self, file: JsonFile) -> None:
        if self.heads % self.kv_heads:
            raise CheckpointError(
                f"{file.path}: {self.heads} heads are no multiple of {self.kv_heads} for keys"
            )
        if self.head_width % 2:
            raise CheckpointError(f"{file.path}: head_dim is {self.head_width}, which is odd")
        kinds = file.fields.get("layer_types")
        if kinds is not None and kinds != ["full_attention"] * self.layers:
            raise CheckpointError(f"{file.path}: layer_types is {kinds!r}, not all full_attention")
