"""Exact token counting with the served model's tokenizer."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from contract import errors, long_texts
from contract.embeddings import EmbeddingsRequest, Inputs, Texts, TokenIds
from contract.errors import ApiError
from contract.tokens import RequestTokenizer, Tokenised
from tests.contract.model_folder import CARD, write_model_folder

CLS, SEP = 101, 102


def ask(inputs: Inputs, model: str = CARD.id, dimensions: int | None = None) -> EmbeddingsRequest:
    """A request for these inputs."""
    return EmbeddingsRequest(model, inputs, "float", dimensions)


def sequences(tokenizer: RequestTokenizer, inputs: Inputs) -> list[list[int]]:
    """The token ids that the model would run."""
    outcome = tokenizer.tokenise(ask(inputs))
    assert isinstance(outcome, Tokenised)
    return list(outcome.sequences)


def test_a_text_becomes_the_reference_token_ids(tokenizer: RequestTokenizer) -> None:
    """The ids are those of the reference implementation, special tokens included."""
    assert sequences(tokenizer, Texts(("Hello world",))) == [[CLS, 7592, 2088, SEP]]


def test_the_total_is_what_the_sequences_hold(tokenizer: RequestTokenizer) -> None:
    """What is charged is what the model runs."""
    outcome = tokenizer.tokenise(ask(Texts(("Hello world", "Hello"))))
    assert outcome == Tokenised(([CLS, 7592, 2088, SEP], [CLS, 7592, SEP]), total=7)


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5))
def test_a_text_has_the_same_tokens_alone_and_among_others(
    tokenizer: RequestTokenizer, texts: list[str]
) -> None:
    """Nothing is padded or truncated because of a neighbour, and order is kept."""
    alone = [sequences(tokenizer, Texts((text,)))[0] for text in texts]
    assert sequences(tokenizer, Texts(tuple(texts))) == alone


@given(st.text(min_size=1, max_size=60), st.sampled_from([0, 1]), st.sampled_from([None, -1]))
def test_ids_of_a_text_mean_the_same_as_the_text(
    tokenizer: RequestTokenizer, text: str, start: int, end: int | None
) -> None:
    """Special tokens are added where the client left them out, and never twice."""
    whole = sequences(tokenizer, Texts((text,)))
    ids = whole[0][start:end]
    if ids:
        assert sequences(tokenizer, TokenIds((tuple(ids),))) == whole


def test_a_tokenizer_with_an_end_token_only_completes_the_end() -> None:
    """The same code serves models like Qwen3, whose sequences have an end token alone."""
    inner = Tokenizer(WordLevel({"a": 0, "b": 1, "<end>": 2, "<unk>": 3}, unk_token="<unk>"))
    inner.pre_tokenizer = WhitespaceSplit()
    inner.post_processor = TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 2)])
    tokenizer = RequestTokenizer(CARD, inner)
    assert sequences(tokenizer, Texts(("a b",))) == [[0, 1, 2]]
    assert sequences(tokenizer, TokenIds(((0, 1), (0, 1, 2), (2,)))) == [[0, 1, 2], [0, 1, 2], [2]]


def test_a_tokenizer_without_special_tokens_adds_none() -> None:
    """Nothing is assumed about a model's special tokens."""
    inner = Tokenizer(WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))
    inner.pre_tokenizer = WhitespaceSplit()
    tokenizer = RequestTokenizer(CARD, inner)
    assert sequences(tokenizer, TokenIds(((0, 0), (1,)))) == [[0, 0], [1]]


@pytest.mark.parametrize(("ids", "bad"), [((5, -1), -1), ((30522,), 30522), ((1, 2**63), 2**63)])
def test_an_id_outside_the_vocabulary_is_refused(
    tokenizer: RequestTokenizer, ids: tuple[int, ...], bad: int
) -> None:
    """Ids of another model's vocabulary are an error that names the first input that holds one."""
    assert tokenizer.tokenise(ask(TokenIds(((7,), ids)))) == errors.invalid_parameter(
        "input", f"Token id {bad} in input 1 is not in [0, 30522)"
    )


def test_the_vocabularys_ends_are_inside(tokenizer: RequestTokenizer) -> None:
    """The first and the last id are ids."""
    assert sequences(tokenizer, TokenIds(((0, 30521),))) == [[CLS, 0, 30521, SEP]]


def test_the_context_counts_special_tokens(tokenizer: RequestTokenizer) -> None:
    """An input fills the context exactly, and one token more is refused, never truncated."""
    fits, over = " ".join(["a"] * 510), " ".join(["a"] * 511)
    assert len(sequences(tokenizer, Texts((fits,)))[0]) == 512
    assert tokenizer.tokenise(ask(Texts((fits, over)))) == errors.context_length_exceeded(
        512, 513, 1
    )
    assert tokenizer.tokenise(ask(TokenIds(((5,) * 511,)))) == errors.context_length_exceeded(
        512, 513, 0
    )


def test_the_sum_over_a_request_is_bounded(tokenizer: RequestTokenizer) -> None:
    """300,000 tokens pass, and one more is refused."""
    items: list[tuple[int, ...]] = [(5,) * 510] * 585 + [(5,) * 478]
    assert tokenizer.tokenise(ask(TokenIds(tuple(items)))) == Tokenised(
        tuple([CLS, *item, SEP] for item in items), total=300_000
    )
    items[-1] = (5,) * 479
    assert tokenizer.tokenise(ask(TokenIds(tuple(items)))) == errors.max_tokens_per_request(
        300_001, 300_000
    )


@pytest.mark.parametrize("model", [CARD.id, *CARD.aliases])
def test_the_model_answers_to_its_aliases(tokenizer: RequestTokenizer, model: str) -> None:
    """An alias is the same model."""
    assert isinstance(tokenizer.tokenise(ask(Texts(("a",)), model)), Tokenised)


@pytest.mark.parametrize("model", ["gpt-4", CARD.id.upper(), CARD.id + " ", "all-MiniLM-L6-v2"])
def test_another_models_name_is_a_404(tokenizer: RequestTokenizer, model: str) -> None:
    """A name must be exact, so nobody gets vectors of a model that was not asked for."""
    assert tokenizer.tokenise(ask(Texts(("a",)), model)) == errors.model_not_found(model)


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        (31, "31 is less than the minimum of 32 - 'dimensions'"),
        (385, "385 is greater than the maximum of 384 - 'dimensions'"),
    ],
)
def test_a_width_outside_the_models_range_is_refused(
    tokenizer: RequestTokenizer, dimensions: int, message: str
) -> None:
    """The message names the bound that was passed."""
    outcome = tokenizer.tokenise(ask(Texts(("a",)), dimensions=dimensions))
    assert outcome == ApiError(400, message, param="dimensions")


@pytest.mark.parametrize("dimensions", [None, 32, 384])
def test_a_width_inside_the_models_range_is_taken(
    tokenizer: RequestTokenizer, dimensions: int | None
) -> None:
    """The bounds themselves are inside."""
    assert isinstance(tokenizer.tokenise(ask(Texts(("a",)), dimensions=dimensions)), Tokenised)


def test_many_threads_count_alike(tokenizer: RequestTokenizer) -> None:
    """One tokenizer serves all threads at once, without an error and without a difference."""
    request = ask(Texts(tuple(f"text number {number}" for number in range(64))))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: tokenizer.tokenise(request), range(64)))
    assert all(before == after for before, after in pairwise(outcomes))


def test_a_strict_card_refuses_token_ids(tokenizer: RequestTokenizer, tmp_path: Path) -> None:
    """Where ids are switched off they are refused, in the caller's terms, and text is not."""
    replace(CARD, token_ids_accepted=False).write(write_model_folder(tmp_path))
    strict = RequestTokenizer.read(tmp_path)
    assert strict.tokenise(ask(TokenIds(((5,),)))) == errors.invalid_parameter(
        "input", "Token ids are not accepted here; send text"
    )
    assert strict.tokenise(ask(Texts(("a",)))) == tokenizer.tokenise(ask(Texts(("a",))))


@pytest.mark.parametrize("text", ["a " * 2**22, "猫。" * 2**20, "a b, c! " * 2**20])
def test_a_text_of_megabytes_is_refused_after_its_beginning(
    tokenizer: RequestTokenizer, text: str
) -> None:
    """Nobody can make the service count millions of tokens for nothing."""
    outcome = tokenizer.tokenise(ask(Texts((text,))))
    assert isinstance(outcome, ApiError)
    found = re.search(r"requested at least (\d+) tokens in input 0", outcome.message)
    assert found
    assert 512 < int(found[1]) <= 65_536


@pytest.mark.parametrize("text", ["a" * 2**19, " " * 2**19, "é" * 2**18 + " b"])
def test_a_long_text_of_few_tokens_is_served(tokenizer: RequestTokenizer, text: str) -> None:
    """Length alone is no reason: what counts is what the model would run."""
    assert len(sequences(tokenizer, Texts((text, "a")))[0]) <= 4


def test_a_sum_far_too_large_is_refused_before_its_end(tokenizer: RequestTokenizer) -> None:
    """The same for many texts, each of which fits."""
    outcome = tokenizer.tokenise(ask(Texts(("a " * 510,) * 2048)))
    assert isinstance(outcome, ApiError)
    assert outcome.message.startswith("Requested at least 6")


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=3, max_size=30))
def test_a_beginning_never_counts_more_than_the_whole(
    tokenizer: RequestTokenizer, parts: list[str]
) -> None:
    """What is said to be there at least is there, wherever the text is cut."""
    text = "".join(parts)
    whole = sequences(tokenizer, Texts((text + "a",)))[0]
    for end in range(len(text)):
        assert long_texts._certain_tokens(tokenizer._tokenizer, text[:end]) <= len(whole)
