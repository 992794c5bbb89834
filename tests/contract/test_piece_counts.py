"""The short way of counting tokens counts what the long way counts."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given, settings
from tokenizers import Tokenizer
from tokenizers.normalizers import NFKC
from tokenizers.pre_tokenizers import WhitespaceSplit

from contract import piece_counts
from contract.embeddings import EmbeddingsRequest, Inputs, Texts, TokenIds
from contract.errors import ApiError
from contract.models import tokenizer_file
from contract.piece_counts import PieceCounts
from contract.tokens import RequestTokenizer, Tokenised
from tests.contract.hard_texts import HARD_TEXTS
from tests.contract.model_folder import CARD, write_model_folder
from tests.contract.qwen_like import CORPUS, train_like_qwen


@pytest.fixture(scope="module", params=["bert", "qwen"])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """The local model's tokenizer, and one that splits as Qwen's does."""
    if request.param == "qwen":
        return train_like_qwen()
    folder = write_model_folder(tmp_path_factory.mktemp("model"))
    tokenizer = Tokenizer.from_file(str(tokenizer_file(folder)))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture(scope="module")
def counts(kind: Tokenizer) -> Iterator[PieceCounts]:
    """What is remembered, over all texts of the module."""
    learned = PieceCounts.learn_from(kind)
    assert learned is not None
    yield learned
    assert len(learned._counts) > 100, "nothing was ever remembered"


@settings(max_examples=3000)
@given(HARD_TEXTS)
def test_a_text_counts_as_the_tokenizer_counts_it(
    kind: Tokenizer, counts: PieceCounts, text: str
) -> None:
    """Whatever is in a text, and whatever was seen before, the number is exact or not given."""
    exact = len(kind.encode(text, add_special_tokens=False))
    assert counts.count(text) in {None, exact}
    assert counts.count(text) in {None, exact}  # and once more, from what was just remembered


def test_prose_is_counted_from_what_was_seen(kind: Tokenizer, counts: PieceCounts) -> None:
    """Known pieces in another order need no tokenizer."""
    for text in CORPUS:
        counts.count(text)
    mixed = "They've said: the lazy fox doesn't group dogs by price; it's 13.00% done!"
    exact = len(kind.encode(mixed, add_special_tokens=False))
    assert counts.count(mixed) == exact
    remembered = dict(counts._counts)
    assert counts.count(mixed) == exact
    assert counts._counts == remembered


def test_memory_is_bounded(kind: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random words, however many, push out the rest and are counted as exactly."""
    monkeypatch.setattr(piece_counts, "_PIECES_MAX", 100)
    counts = PieceCounts.learn_from(kind)
    assert counts is not None
    for number in range(500):
        text = f"word{number:x}q more{number} {'y' * 200}"
        assert counts.count(text) == len(kind.encode(text, add_special_tokens=False))
        assert len(counts._counts) < 130
    assert max(map(len, counts._counts)) <= 32


def test_a_tokenizer_that_splits_otherwise_is_always_asked() -> None:
    """Another pattern, another normaliser, another kind: nothing is assumed."""
    assert PieceCounts.learn_from(train_like_qwen(r"\p{L}+|\s+|.")) is None
    other = train_like_qwen()
    other.normalizer = NFKC()
    assert PieceCounts.learn_from(other) is None
    other = train_like_qwen()
    other.pre_tokenizer = WhitespaceSplit()
    assert PieceCounts.learn_from(other) is None
    other = train_like_qwen()
    other.add_special_tokens(["stop"])  # found inside of words, before they are words
    assert PieceCounts.learn_from(other) is None


def test_a_wrong_split_is_found_out(kind: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is believed of a tokenizer is tried before it is relied on."""
    words = re.compile(r"[a-zA-Z]|[^a-zA-Z]+")
    monkeypatch.setattr(piece_counts, "_BERT", words)
    monkeypatch.setattr(piece_counts, "_QWEN", words)
    assert PieceCounts.learn_from(kind) is None


_REQUESTS: Final[tuple[Inputs, ...]] = (
    Texts(("Hello",)),
    Texts(("Hello", "world, again!", "é and 漢")),
    Texts(("word " * 600,)),
    Texts(("word " * 509 + "end",)),
    Texts(("word " * 510 + "end",)),
    Texts(tuple(f"item {number}" for number in range(2000))),
    Texts(("[MASK] it",)),
    TokenIds(((101, 7592, 102), (7592,))),
    TokenIds(((99999,),)),
)


@pytest.mark.parametrize("inputs", _REQUESTS, ids=range(len(_REQUESTS)))
def test_what_authz_counts_is_what_the_model_runs(
    inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`count` is the total of `tokenise`, or the same refusal."""
    tokenizer = RequestTokenizer.read(write_model_folder(tmp_path_factory.mktemp("model")))
    for model in (CARD.id, "unknown"):
        for dimensions in (None, 64, 4000):
            request = EmbeddingsRequest(model, inputs, "float", dimensions)
            for _ in range(2):
                outcome = tokenizer.tokenise(request)
                expected = outcome.total if isinstance(outcome, Tokenised) else outcome
                counted = tokenizer.count(request)
                assert counted == expected
                assert isinstance(counted, int | ApiError)
