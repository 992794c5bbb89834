"""A checkpoint as wide as Qwen3-Embedding-8B, with a layer that computes next to nothing.

Its tokenizer is of Qwen3's kind, byte-level pairs behind the same pattern, trained on the
benchmark's own texts: each of their words is one token.
"""

from pathlib import Path
from typing import Final

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from bench.model_checkpoint import write_checkpoint
from bench.texts import make_texts
from inference.checkpoint.qwen3 import Qwen3Config

MODEL: Final = "thin"
_END: Final = "<|endoftext|>"
_PATTERN: Final = (  # Qwen3's own
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CONFIG: Final = Qwen3Config(
    layers=1,
    heads=1,
    kv_heads=1,
    head_width=16,
    width=4096,
    feed_forward_width=16,
    context_tokens=4096,
    vocabulary_size=1024,
    rope_theta=1e6,
    norm_epsilon=1e-6,
)


def write_thin_checkpoint(folder: Path) -> None:
    """Write the folder as Hugging Face lays it out."""
    write_checkpoint(folder, _CONFIG)
    (folder / "tokenizer.json").write_text(_train().to_str())


def _train() -> Tokenizer:
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = NFC()
    split = Split(Regex(_PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = Sequence([split, ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = BpeTrainer(
        vocab_size=_CONFIG.vocabulary_size,
        special_tokens=[_END],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(make_texts(400, 40), trainer)
    end = tokenizer.token_to_id(_END)
    tokenizer.post_processor = TemplateProcessing(single=f"$A {_END}", special_tokens=[(_END, end)])
    return tokenizer
