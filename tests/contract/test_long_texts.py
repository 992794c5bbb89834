"""Counting texts of megabytes beside everything else that a process does."""

import threading
import time

from contract.long_texts import count_until
from contract.tokens import RequestTokenizer


def test_a_long_text_is_counted_without_stopping_other_threads(tokenizer: RequestTokenizer) -> None:
    """One word of megabytes, which is one token, keeps no other customer waiting."""
    counted = threading.Event()

    def count() -> None:
        count_until(tokenizer._tokenizer, "a" * 2**20, tokens_max=512)
        counted.set()

    counting = threading.Thread(target=count)
    counting.start()
    turns = 0
    while not counted.is_set():
        time.sleep(0.001)
        turns += 1
    counting.join()
    assert turns > 20
