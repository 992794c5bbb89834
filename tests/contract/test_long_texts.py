"""Counting texts of megabytes beside everything else that a process does."""

import threading
import time

import pytest
from tokenizers import Tokenizer

from contract import long_texts
from contract.long_texts import count_until
from contract.tokens import RequestTokenizer


def test_a_long_text_is_counted_without_stopping_other_threads(tokenizer: RequestTokenizer) -> None:
    """One word of megabytes, which is one token, keeps no other customer waiting."""
    counted = threading.Event()

    def count() -> None:
        count_until(tokenizer._tokenizer, "a" * 2**22, tokens_max=512)
        counted.set()

    counting = threading.Thread(target=count)
    counting.start()
    turns = 0
    while not counted.is_set():
        time.sleep(0.001)
        turns += 1
    counting.join()
    assert turns > 20


@pytest.mark.parametrize("found", [0, 1, 299_999, 300_000])
def test_a_long_text_is_looked_at_a_few_times(
    tokenizer: RequestTokenizer, monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    """Each time at much more of it, also where all but no more tokens would be too many."""
    looked: list[int] = []

    def look(_: Tokenizer, beginning: str) -> int:
        looked.append(len(beginning))
        assert len(looked) <= 6
        return found

    monkeypatch.setattr(long_texts, "_certain_tokens", look)
    assert count_until(tokenizer._tokenizer, "a" * 2**22, tokens_max=300_000) is None
    assert sum(looked) < 2 * 2**22
