"""Queries are put into the model's prompt, and counted as the model runs them."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from contract import errors, prompts
from contract.embeddings import EmbeddingsRequest, Query, Texts, TokenIds
from contract.errors import ApiError
from contract.models import ModelCard, tokenizer_file
from contract.prompts import QueryPrompts
from contract.tokens import RequestTokenizer, Tokenised
from tests.contract.hard_texts import HARD_TEXTS
from tests.contract.model_folder import write_model_folder
from tests.contract.qwen_like import CARD, END, TASK, train_like_qwen

_PLAIN: Final = train_like_qwen()
_SEAMS: Final = (
    *("\n a", "the", "x"),
    "the fox",
    "\n",
    "!! what",
    " the fox",
    "\u0338",
    "(x)",
    "'s",
    "\r\nthe",
    "漢",
    ":",
)
"""Beginnings of a query, some of which the prompt's colon joins in one token."""


@pytest.fixture(scope="module")
def qwen() -> RequestTokenizer:
    """A model with a prompt for queries."""
    return RequestTokenizer(CARD, train_like_qwen())


def ask(*texts: str, instruction: str | None = None) -> EmbeddingsRequest:
    """A request for queries."""
    return EmbeddingsRequest(CARD.id, Texts(texts, Query(instruction)), "float", None)


def reference(task: str, query: str) -> list[int]:
    """The ids as the model's authors make them: of one text, with the end token."""
    return _PLAIN.encode(f"Instruct: {task}\nQuery:{query}").ids


@pytest.mark.parametrize("query", _SEAMS)
@pytest.mark.parametrize("instruction", [None, "Find the fox", "Find\nthe fox:", "漢字 é"])
def test_a_query_is_the_references_prompt(
    qwen: RequestTokenizer, query: str, instruction: str | None
) -> None:
    """No space after the colon, prompt and query tokenised as one text, the end token once."""
    ids = reference(instruction or TASK, query)
    assert ids[-1] == _PLAIN.token_to_id(END)
    assert qwen.tokenise(ask(query, instruction=instruction)) == Tokenised((ids,), len(ids))


def test_some_queries_share_a_token_with_the_prompt() -> None:
    """Or these tests would not notice if the two were tokenised apart."""
    bare = len(_PLAIN.encode(f"Instruct: {TASK}\nQuery:", add_special_tokens=False))
    apart = [bare + len(_PLAIN.encode(query)) for query in _SEAMS]
    together = [len(reference(TASK, query)) for query in _SEAMS]
    assert [a > b for a, b in zip(apart, together, strict=True)].count(True) >= 2


def test_each_text_of_a_request_is_a_query(qwen: RequestTokenizer) -> None:
    """By itself, in order."""
    outcome = qwen.tokenise(ask("the fox", "dogs", instruction="Find"))
    assert isinstance(outcome, Tokenised)
    assert list(outcome.sequences) == [reference("Find", "the fox"), reference("Find", "dogs")]
    assert outcome.total == sum(map(len, outcome.sequences))


def test_a_document_is_the_text_alone(qwen: RequestTokenizer) -> None:
    """Without anything before it."""
    request = EmbeddingsRequest(CARD.id, Texts(("the fox",)), "float", None)
    ids = _PLAIN.encode("the fox").ids
    assert qwen.tokenise(request) == Tokenised((ids,), len(ids))


_TASKS: Final = st.one_of(
    st.none(), st.sampled_from(["Find", "<|im_start|>", "é", " ", "a\n", "'"]), HARD_TEXTS
)


@pytest.fixture(scope="module", params=["bert", "qwen"])
def either(
    request: pytest.FixtureRequest, qwen: RequestTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> RequestTokenizer:
    """Both kinds of tokenizer whose pieces are counted, with the same prompt."""
    if request.param == "qwen":
        return qwen
    folder = write_model_folder(tmp_path_factory.mktemp("model"))
    return RequestTokenizer(CARD, Tokenizer.from_file(str(tokenizer_file(folder))))


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(_SEAMS) | HARD_TEXTS, min_size=1, max_size=3), _TASKS)
def test_what_is_counted_of_a_query_is_what_the_model_runs(
    either: RequestTokenizer, texts: list[str], task: str | None
) -> None:
    """Whatever meets at the seam, and whatever the task is made of: the ids of one whole text."""
    request = ask(*texts, instruction=task)
    outcome = either.tokenise(request)
    assert isinstance(outcome, Tokenised)
    prompt = f"Instruct: {TASK if task is None else task}\nQuery:"
    whole = [either._tokenizer.encode(prompt + text).ids for text in texts]
    assert list(outcome.sequences) == whole
    for _ in range(2):  # and once more, from what was just remembered
        assert either.count(request) == outcome.total
        assert either.measure(request) == [len(ids) for ids in outcome.sequences]


class _Strict:
    """A tokenizer that is not to be asked any more."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the tokenizer was asked to {name}")


def test_known_prompts_and_words_are_counted_without_the_tokenizer() -> None:
    """A prompt is tokenised once for each task, not once for each query."""
    qwen = RequestTokenizer(CARD, train_like_qwen())
    first, second = ask("the lazy fox", "dogs the"), ask("dogs the lazy", "the lazy fox dogs")
    qwen.count(first)
    qwen.count(ask("dogs the lazy fox the dogs"))
    expected = RequestTokenizer(CARD, train_like_qwen()).tokenise(second)
    assert isinstance(expected, Tokenised)
    for part in (qwen._prompts, qwen._pieces, qwen._encoder):
        part._tokenizer = _Strict()  # type: ignore[union-attr]
    assert qwen.count(second) == expected.total


def test_where_words_may_be_joined_a_prompt_is_tokenised_with_each_query() -> None:
    """A tokenizer that splits in a way of its own is given the whole text."""
    lines = r"[^\n]+|\n"
    tokenizer, plain = RequestTokenizer(CARD, train_like_qwen(lines)), train_like_qwen(lines)
    query = plain.encode("Query:the fox", add_special_tokens=False).tokens
    assert "Query" not in query, "it joins nothing"
    for text in ("the fox", *_SEAMS):
        whole = plain.encode(f"Instruct: Find\nQuery:{text}").ids
        assert tokenizer.tokenise(ask(text, instruction="Find")) == Tokenised((whole,), len(whole))
        assert tokenizer.count(ask(text, instruction="Find")) == len(whole)


def test_a_prompt_counts_with_each_of_its_queries(qwen: RequestTokenizer) -> None:
    """Two thousand of a letter are too many, where what is before each is long."""
    request = ask(*("a",) * 2048, instruction="Find " * 100)
    qwen.count(ask("a", instruction="Find " * 100))
    refusal = qwen.tokenise(request)
    assert isinstance(refusal, ApiError)
    assert refusal.code == "max_tokens_per_request"
    assert qwen.count(request) == refusal
    assert qwen.measure(request) == refusal


def test_few_tasks_are_remembered(qwen: RequestTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task of each request's own costs no memory in the end."""
    monkeypatch.setattr(prompts, "_KNOWN_MAX", 5)
    made = QueryPrompts(CARD, train_like_qwen(), 1, splits_at_words=True)
    for number in range(20):
        made.make(Query(f"Find {number}"))
        assert len(made._known) <= 5


def _refused(card: ModelCard, request: EmbeddingsRequest) -> ApiError:
    tokenizer = RequestTokenizer(card, train_like_qwen())
    outcome = tokenizer.tokenise(request)
    assert isinstance(outcome, ApiError)
    assert tokenizer.count(request) == outcome
    assert tokenizer.measure(request) == outcome
    return outcome


@pytest.mark.parametrize(("instruction", "param"), [(None, "input_type"), ("Find", "instruction")])
def test_a_model_without_a_prompt_says_so(instruction: str | None, param: str) -> None:
    """Rather than to give another vector than was asked for."""
    card = replace(CARD, query_prompt=None, default_task=None)
    assert _refused(card, ask("the fox", instruction=instruction)) == errors.invalid_parameter(
        param,
        "The model `Qwen/Qwen3-Embedding-8B` has no prompt for queries: send them without "
        "input_type and instruction",
    )


@pytest.mark.parametrize("instruction", ["Instruct: Find", "Instruct:Find", "Instruct:"])
def test_a_prompt_is_not_taken_for_a_task(instruction: str) -> None:
    """Who sends the whole prompt would get it twice, and vectors that are a little worse."""
    assert _refused(CARD, ask("the fox", instruction=instruction)) == errors.invalid_parameter(
        "instruction", "Send the task alone: 'Instruct:' is put before it"
    )


def test_a_prompt_must_leave_room_for_a_query() -> None:
    """One token of it at least; the message says how much there is."""
    tokens = len(_PLAIN.encode("Instruct: Find\nQuery:", add_special_tokens=False))
    card = replace(CARD, context_tokens=tokens + 2)
    fits = RequestTokenizer(card, train_like_qwen()).tokenise(ask("a", instruction="Find"))
    assert isinstance(fits, Tokenised)
    card = replace(CARD, context_tokens=tokens + 1)
    assert _refused(card, ask("a", instruction="Find")) == errors.invalid_parameter(
        "instruction",
        f"With {tokens} tokens the prompt leaves no room for a query in this model's maximum "
        f"context length of {tokens + 1} tokens",
    )


@pytest.mark.parametrize(
    "template",
    [
        *("query: {task} {query}", "{task}{query}", "Für {task}…: {query}", "{task}: {query}"),
        *("{task} {query}", "{task}: to{query}", "{task} to {query}", "{task}\nQ1:{query}"),
    ],
)
@example(text="\n a", task="a\n")
@given(text=st.sampled_from(_SEAMS) | HARD_TEXTS, task=_TASKS)
def test_other_prompts_are_counted_as_exactly(template: str, text: str, task: str | None) -> None:
    """Where a prompt has no place to split at, the tokenizer is asked for all of it."""
    tokenizer = _tokenizer_with(template)
    request = ask(text, instruction=task)
    outcome = tokenizer.tokenise(request)
    if isinstance(outcome, ApiError):
        assert task is not None
        assert task.startswith("query:")
    else:
        whole = template.replace("{task}", TASK if task is None else task, 1)
        ids = _PLAIN.encode(whole.removesuffix("{query}") + text).ids
        assert outcome == Tokenised((ids,), len(ids))
        assert tokenizer.count(request) == outcome.total
        assert tokenizer.count(request) == outcome.total


_BY_TEMPLATE: Final[dict[str, RequestTokenizer]] = {}


def _tokenizer_with(template: str) -> RequestTokenizer:
    if template not in _BY_TEMPLATE:
        card = replace(CARD, query_prompt=template)
        _BY_TEMPLATE[template] = RequestTokenizer(card, train_like_qwen())
    return _BY_TEMPLATE[template]


def test_ids_are_those_of_the_whole_prompt(qwen: RequestTokenizer) -> None:
    """Who tokenises himself can send a query too."""
    ids = reference(TASK, "the fox")
    request = EmbeddingsRequest(CARD.id, TokenIds((tuple(ids[:-1]),)), "float", None)
    assert qwen.tokenise(request) == qwen.tokenise(ask("the fox"))


@pytest.mark.parametrize("dimensions", [32, 33, 1024, 4095, 4096, None])
def test_qwen3_is_cut_to_any_width_from_32(qwen: RequestTokenizer, dimensions: int | None) -> None:
    """Up to all of it."""
    request = replace(ask("the fox"), dimensions=dimensions)
    assert isinstance(qwen.tokenise(request), Tokenised)


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        (31, "31 is less than the minimum of 32"),
        (4097, "4097 is greater than the maximum of 4096"),
    ],
)
def test_qwen3_has_no_other_width(qwen: RequestTokenizer, dimensions: int, message: str) -> None:
    """The message names the bound."""
    request = replace(ask("the fox"), dimensions=dimensions)
    assert qwen.count(request) == errors.invalid_parameter("dimensions", message)
