"""Inputs that are too long: refused, or cut at the end that was chosen and never without a word."""

import re
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import EmbeddingsRequest, Inputs, Query, Texts, TokenIds, Truncation
from contract.errors import ApiError
from contract.models import tokenizer_file
from contract.tokens import RequestTokenizer, Tokenised
from tests.contract.hard_texts import HARD_TEXTS
from tests.contract.model_folder import write_model_folder
from tests.contract.qwen_like import CARD, END, train_like_qwen

_CONTEXT: Final = 24
_CARD: Final = replace(CARD, context_tokens=_CONTEXT)
_PLAIN: Final = train_like_qwen()
_END: Final = _PLAIN.token_to_id(END)
_CLS, _SEP, _A, _B = 101, 102, 1037, 1038  # of BERT's vocabulary


@pytest.fixture(scope="module")
def qwen() -> RequestTokenizer:
    """A model with an end token and a prompt."""
    return RequestTokenizer(_CARD, train_like_qwen())


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> RequestTokenizer:
    """A model with special tokens at both ends."""
    folder = write_model_folder(tmp_path_factory.mktemp("model"))
    return RequestTokenizer(_CARD, Tokenizer.from_file(str(tokenizer_file(folder))))


@pytest.fixture(scope="module", params=["bert", "qwen"])
def either(
    request: pytest.FixtureRequest, bert: RequestTokenizer, qwen: RequestTokenizer
) -> RequestTokenizer:
    """Either of them."""
    return bert if request.param == "bert" else qwen


def cut(tokenizer: RequestTokenizer, inputs: Inputs, truncate: Truncation) -> Tokenised:
    """What the model would run."""
    outcome = tokenizer.tokenise(EmbeddingsRequest(CARD.id, inputs, "float", None, truncate))
    assert isinstance(outcome, Tokenised)
    return outcome


_LONG: Final = ("a " * 22 + "b b", "b b " + "a " * 22)


def test_the_tail_is_cut_off_before_the_end_token(bert: RequestTokenizer) -> None:
    """What is left is the text's beginning, as the model was trained to see a sequence."""
    outcome = cut(bert, Texts(_LONG), "tail")
    first, second = [_CLS, *[_A] * 22, _SEP], [_CLS, _B, _B, *[_A] * 20, _SEP]
    assert outcome == Tokenised((first, second), 48, {0: 2, 1: 2})


def test_the_head_is_cut_off_behind_the_first_token(bert: RequestTokenizer) -> None:
    """What is left is the text's end."""
    outcome = cut(bert, Texts(_LONG), "head")
    first, second = [_CLS, *[_A] * 20, _B, _B, _SEP], [_CLS, *[_A] * 22, _SEP]
    assert outcome == Tokenised((first, second), 48, {0: 2, 1: 2})


@pytest.mark.parametrize("truncate", ["head", "tail"])
def test_only_what_is_too_long_is_cut(bert: RequestTokenizer, truncate: Truncation) -> None:
    """What fills the context stays whole, and says nothing."""
    fits = " ".join(["a"] * 22)
    outcome = cut(bert, Texts((fits, _LONG[0], "a")), truncate)
    assert [len(ids) for ids in outcome.sequences] == [24, 24, 3]
    assert outcome.truncated == {1: 2}
    assert cut(bert, Texts((fits, "a")), truncate) == cut(bert, Texts((fits, "a")), "none")


def test_token_ids_are_cut_like_their_text(bert: RequestTokenizer) -> None:
    """With or without the special tokens that the client may have added."""
    for truncate in ("head", "tail"):
        expected = cut(bert, Texts((_LONG[1],)), truncate)
        bare = (_B, _B, *[_A] * 22)
        for ids in (bare, (_CLS, *bare), (*bare, _SEP), (_CLS, *bare, _SEP)):
            assert cut(bert, TokenIds((ids,)), truncate) == expected


def test_a_querys_prompt_and_the_end_token_are_never_cut(qwen: RequestTokenizer) -> None:
    """The instruction decides what the vector means; the end token is where it is read."""
    prompt = _PLAIN.encode("Instruct: Find\nQuery:", add_special_tokens=False).ids
    text = "the fox !!" * 9
    whole = _PLAIN.encode(f"Instruct: Find\nQuery:{text}").ids
    inputs = Texts((text,), Query("Find"))
    assert cut(qwen, inputs, "tail").sequences == ([*whole[: _CONTEXT - 1], _END],)
    kept = whole[-(_CONTEXT - len(prompt)) :]
    assert cut(qwen, inputs, "head").sequences == ([*prompt, *kept],)
    for truncate in ("head", "tail"):
        assert cut(qwen, inputs, truncate).truncated == {0: len(whole) - _CONTEXT}


def test_what_is_cut_is_not_charged(either: RequestTokenizer) -> None:
    """The total is of what the model runs; `measure` tells of the rest."""
    request = EmbeddingsRequest(CARD.id, Texts(("a " * 100,) * 3), "float", None, "tail")
    lengths = either.measure(request)
    assert not isinstance(lengths, ApiError)
    assert min(lengths) > 100
    assert either.count(request) == 3 * _CONTEXT


_INPUTS: Final = st.one_of(
    st.builds(
        Texts,
        st.lists(HARD_TEXTS, min_size=1, max_size=4).map(tuple),
        st.sampled_from([None, Query("Find"), Query(" "), Query("é")]),
    ),
    st.lists(
        st.lists(st.integers(0, 590), min_size=1, max_size=40).map(tuple), min_size=1, max_size=4
    ).map(lambda items: TokenIds(tuple(items))),
)


@settings(max_examples=500)
@given(_INPUTS, st.sampled_from(["none", "head", "tail"]))
def test_what_is_counted_is_what_the_model_runs(
    either: RequestTokenizer, inputs: Inputs, truncate: Truncation
) -> None:
    """In every combination: no more than the context, and what was cut is told to the token."""
    request = EmbeddingsRequest(CARD.id, inputs, "float", None, truncate)
    outcome, lengths = either.tokenise(request), either.measure(request)
    assert not isinstance(lengths, ApiError)
    if isinstance(outcome, ApiError):
        index = next(i for i, length in enumerate(lengths) if length > _CONTEXT)
        assert truncate == "none"
        assert outcome == errors.context_length_exceeded(_CONTEXT, lengths[index], index)
        assert either.count(request) == outcome
        return
    assert either.count(request) == outcome.total == sum(map(len, outcome.sequences))
    cuts = [outcome.truncated.get(index, 0) for index in range(len(lengths))]
    assert [len(ids) for ids in outcome.sequences] == [
        length - cut for length, cut in zip(lengths, cuts, strict=True)
    ]
    assert [cut for cut in cuts if cut] == [n - _CONTEXT for n in lengths if n > _CONTEXT]
    assert all(ids[-1] == lengths_end(either) for ids in outcome.sequences)


def lengths_end(tokenizer: RequestTokenizer) -> int:
    """The id that ends each sequence of a model."""
    return tokenizer._frame.tail[-1]


@pytest.mark.parametrize("truncate", ["head", "tail"])
def test_what_is_sent_is_limited_before_it_is_cut(
    bert: RequestTokenizer, truncate: Truncation
) -> None:
    """Nobody can make the service tokenise megabytes for the price of one context."""
    for inputs, requested in (
        (Texts(("a " * 510,) * 585 + ("a " * 479,)), 585 * 512 + 481),
        (TokenIds(((_A,) * 149_998,) * 2 + ((_A,),)), 300_003),
    ):
        request = EmbeddingsRequest(CARD.id, inputs, "float", None, truncate)
        refusal = errors.max_tokens_per_request(requested, 300_000)
        assert bert.tokenise(request) == refusal
        assert bert.count(request) == refusal
        assert bert.measure(request) == refusal


@pytest.mark.parametrize("text", ["a " * 2**22, "猫。" * 2**20])
def test_a_text_of_megabytes_is_refused_though_it_were_cut(
    bert: RequestTokenizer, text: str
) -> None:
    """After a part of it."""
    request = EmbeddingsRequest(CARD.id, Texts((text,)), "float", None, "tail")
    outcome = bert.tokenise(request)
    assert isinstance(outcome, ApiError)
    assert outcome.code == "max_tokens_per_request"
    found = re.match(r"Requested at least (\d+) tokens, max 300000 tokens", outcome.message)
    assert found
    assert 300_000 < int(found[1]) <= 600_000


def test_a_long_text_is_cut_however_few_tokens_it_has(bert: RequestTokenizer) -> None:
    """And one of 300,000 tokens is."""
    assert cut(bert, Texts(("a" * 2**19, "b " * 299_990)), "head").truncated == {1: 299_992 - 24}
