"""The short way to tokens gives what the long way gives."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given, settings
from tokenizers import Tokenizer
from tokenizers.normalizers import NFKC
from tokenizers.pre_tokenizers import WhitespaceSplit

from contract import pieces as module
from contract.embeddings import EmbeddingsRequest, Inputs, Texts, TokenIds
from contract.errors import ApiError
from contract.models import tokenizer_file
from contract.pieces import Pieces
from contract.tokens import RequestTokenizer, Tokenised
from tests.contract.hard_texts import HARD_TEXTS
from tests.contract.model_folder import CARD, write_model_folder
from tests.contract.qwen_like import CARD as QWEN_CARD
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
def pieces(kind: Tokenizer) -> Iterator[Pieces]:
    """What is remembered, over all texts of the module."""
    learned = Pieces.learn_from(kind)
    assert learned is not None
    yield learned
    assert len(learned._ids) > 100, "nothing was ever remembered"


@settings(max_examples=1500)
@given(HARD_TEXTS)
def test_a_text_has_the_tokens_that_the_tokenizer_gives_it(
    kind: Tokenizer, pieces: Pieces, text: str
) -> None:
    """Whatever is in a text, and whatever was seen before: its very ids, or nothing."""
    exact = kind.encode(text, add_special_tokens=False).ids
    assert pieces.count(text) in {None, len(exact)}
    for _ in range(2):  # and once more, from what was just remembered
        assert pieces.encode(text) in (None, exact)


def test_prose_is_tokenised_from_what_was_seen(kind: Tokenizer, pieces: Pieces) -> None:
    """Known pieces in another order need no tokenizer."""
    for text in CORPUS:
        pieces.encode(text)
    mixed = "They've said: the lazy fox doesn't group dogs by price; it's 13.00% done!"
    exact = kind.encode(mixed, add_special_tokens=False).ids
    assert pieces.encode(mixed) == exact
    remembered = dict(pieces._ids)
    assert pieces.encode(mixed) == exact
    assert pieces.count(mixed) == len(exact)
    assert pieces._ids == remembered


def test_only_what_was_not_seen_is_asked_for(kind: Tokenizer) -> None:
    """A new word costs itself, and not the text that it stands in."""
    pieces = Pieces.learn_from(kind)
    assert pieces is not None
    pieces.encode(CORPUS[0])
    before = set(pieces._ids)
    text = f"{CORPUS[0]} zyzzyva"
    assert pieces.encode(text) == kind.encode(text, add_special_tokens=False).ids
    assert {piece.strip() for piece in set(pieces._ids) - before} == {"zyzzyva"}


def test_memory_is_bounded(kind: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random words, however many, push out the rest and are tokenised as exactly."""
    monkeypatch.setattr(module, "_PIECES_MAX", 100)
    pieces = Pieces.learn_from(kind)
    assert pieces is not None
    for number in range(500):
        text = f"word{number:x}q more{number} {'y' * 200}"
        assert pieces.encode(text) == kind.encode(text, add_special_tokens=False).ids
        assert len(pieces._ids) <= 100
    assert max(map(len, pieces._ids)) <= 32


def test_a_tokenizer_that_splits_otherwise_is_always_asked() -> None:
    """Another pattern, another normaliser, another kind: nothing is assumed."""
    assert Pieces.learn_from(train_like_qwen(r"\p{L}+|\s+|.")) is None
    other = train_like_qwen()
    other.normalizer = NFKC()
    assert Pieces.learn_from(other) is None
    other = train_like_qwen()
    other.pre_tokenizer = WhitespaceSplit()
    assert Pieces.learn_from(other) is None
    other = train_like_qwen()
    other.add_special_tokens(["stop"])  # found inside of words, before they are words
    assert Pieces.learn_from(other) is None


def test_a_wrong_split_is_found_out(kind: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is believed of a tokenizer is tried before it is relied on."""
    words = re.compile(r"[a-zA-Z]|[^a-zA-Z]+")
    monkeypatch.setattr(module, "_BERT", words)
    monkeypatch.setattr(module, "_QWEN", words)
    assert Pieces.learn_from(kind) is None


def test_texts_are_tokenised_from_pieces_as_without(
    kind: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several texts, special tokens and all, where one of them is not made of known pieces too."""
    quick = RequestTokenizer(QWEN_CARD, kind)
    monkeypatch.setattr(Pieces, "learn_from", lambda _: None)
    slow = RequestTokenizer(QWEN_CARD, kind)
    for texts in (CORPUS[:8], (CORPUS[0], "é"), ("a b", "  ", "\n"), ("x" * 70_000,)):
        request = EmbeddingsRequest(QWEN_CARD.id, Texts(tuple(texts)), "float", None, "tail")
        expected = slow.tokenise(request)
        assert isinstance(expected, Tokenised) or len(texts[0]) == 70_000
        assert quick.tokenise(request) == quick.tokenise(request) == expected


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
