"""Counting texts of megabytes beside everything else that a process does."""

import threading
import time
from base64 import b64encode
from typing import Final

import pytest
from tokenizers import Tokenizer

from contract import long_texts
from contract.embeddings import EmbeddingsRequest, Texts, Truncation
from contract.errors import ApiError
from contract.long_texts import count_until, has_endless_word
from contract.tokens import RequestTokenizer
from tests.contract.model_folder import CARD


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


_ENDLESS: Final = {"letters": "a", "spaces": " ", "marks": "-!", "accents": "e\u0301", "han": "漢"}


@pytest.mark.parametrize("truncate", ["none", "tail"])
@pytest.mark.parametrize("run", _ENDLESS.values(), ids=_ENDLESS)
def test_what_is_no_language_is_refused_before_it_is_tokenised(
    tokenizer: RequestTokenizer, run: str, truncate: Truncation
) -> None:
    """Wherever it stands, and however much would be cut of it: it costs seconds and a gigabyte."""
    text = f"A file, by mistake: {run * 2**21} end."
    request = EmbeddingsRequest(CARD.id, Texts(("good", text)), "float", None, truncate)
    refusal = tokenizer.tokenise(request)
    assert isinstance(refusal, ApiError)
    assert (refusal.status, refusal.param) == (400, "input")
    assert "Input 1 has a run of over 524,288" in refusal.message
    assert tokenizer.count(request) == tokenizer.measure(request) == refusal


@pytest.mark.parametrize("run", _ENDLESS.values(), ids=_ENDLESS)
def test_long_texts_of_long_words_are_language_still(run: str) -> None:
    """What is refused is longer by far than any word."""
    assert not has_endless_word(f"{run * 100_000} 1 ab" * 6)
    assert not has_endless_word(run * 2**18)


def test_hexadecimal_dumps_are_no_endless_words() -> None:
    """Nor is base64: digits and marks end their words."""
    dump = bytes(range(256)) * 8192
    assert not has_endless_word(dump.hex())
    assert not has_endless_word(b64encode(dump).decode())
