"""What a long prompt before many queries costs those who count it."""

import re

from tokenizers import Encoding, Tokenizer

from contract.errors import ApiError
from contract.tokens import RequestTokenizer, Tokenised
from tests.contract.qwen_like import CARD, train_like_qwen
from tests.contract.test_prompts import ask


class _Weighed:
    """A tokenizer that remembers how much it was given."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.characters = 0

    def encode_batch_fast(self, texts: list[str], **options: bool) -> list[Encoding]:
        self.characters += sum(map(len, texts))
        return self._tokenizer.encode_batch_fast(texts, **options)

    encode_batch = encode_batch_fast


def test_many_queries_cost_no_more_than_they_are_long() -> None:
    """A body of kilobytes is never megabytes of work, which would hold up everyone else."""
    qwen = RequestTokenizer(CARD, train_like_qwen())
    weighed = _Weighed(qwen._tokenizer)
    for part in (qwen._prompts, qwen._pieces, qwen._encoder):
        part._tokenizer = weighed  # type: ignore[union-attr]
    task = "the lazy fox " * 150
    request = ask(*("é",) * 300, instruction=task)
    outcome = qwen.tokenise(request)
    assert isinstance(outcome, Tokenised)
    assert outcome.total > 100_000
    assert qwen.count(request) == outcome.total
    assert qwen.measure(request) == [outcome.total // 300] * 300
    assert weighed.characters < 3 * len(task)


def test_long_prompts_of_many_queries_are_not_counted_to_their_end() -> None:
    """Nor are millions of ids made of a body of kilobytes."""
    refusal = RequestTokenizer(CARD, train_like_qwen()).tokenise(
        ask(*("é",) * 2048, instruction="Find " * 800)
    )
    assert isinstance(refusal, ApiError)
    found = re.match(r"Requested at least (\d+) tokens, max 300000 tokens", refusal.message)
    assert found
    assert 600_000 < int(found[1]) < 900_000
