"""A tokenizer like Qwen's, trained in a moment: it splits and ends sequences in the same way."""

from typing import Final

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from contract import pieces
from contract.models import ModelCard

END: Final = "<|endoftext|>"
TASK: Final = "Given a web search query, retrieve relevant passages that answer the query"
CARD: Final = ModelCard(
    id="Qwen/Qwen3-Embedding-8B",
    aliases=(),
    context_tokens=32_768,
    dimensions_min=32,
    dimensions_max=4096,
    vocabulary_size=151_665,
    created=1_749_000_000,
    owned_by="tessera",
    query_prompt="Instruct: {task}\nQuery:{query}",
    default_task=TASK,
)
CORPUS: Final = (
    "The quick brown fox doesn't jump over 13 lazy dogs; it's 7.5% slower, they've said.",
    "SELECT name, count(*) FROM tiers WHERE price >= 10.00 GROUP BY name; -- all of them",
    "if (x != y) {\n\treturn foo_bar(x) + 0xFF;\n}  // done!\r\n\r\n",
)
_PROMPTS: Final = (f"Instruct: {TASK}\nQuery:the fox", "Query:the Query:\n Query:!! Query:(x)")
_RUNS: Final = ("a\n \na \n\n a\n\n a", "a: \na:: (: a !:\na ' 'a''s to tothe tox")
"""Space and punctuation that make longer tokens together than apart."""


def train_like_qwen(pattern: str = pieces._QWEN_IN_UNICODE) -> Tokenizer:
    """Return a tokenizer whose tokens may join a prompt's colon to what comes after it."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = NFC()
    bytes_ = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = Sequence([Split(Regex(pattern), "isolated"), bytes_])
    trainer = BpeTrainer(
        vocab_size=600,
        special_tokens=[END, "<|im_start|>"],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((CORPUS + _PROMPTS + _RUNS) * 3, trainer)
    end = (END, tokenizer.token_to_id(END))
    tokenizer.post_processor = TemplateProcessing(single=f"$A {END}", special_tokens=[end])
    return tokenizer
