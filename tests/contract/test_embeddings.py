"""Parsing of the body of `POST /v1/embeddings`."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import errors
from contract.embeddings import (
    EmbeddingsRequest,
    Encoding,
    Inputs,
    Query,
    Texts,
    TokenIds,
    Truncation,
    parse_embeddings,
)
from contract.errors import ApiError


def parse(**fields: object) -> EmbeddingsRequest | ApiError:
    """Parse a body with a model and an input, and these fields over them."""
    return parse_embeddings(json.dumps({"model": "m", "input": "a"} | fields).encode())


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        ("a", Texts(("a",))),
        (["a"], Texts(("a",))),
        (["b", "a", "b"], Texts(("b", "a", "b"))),
        ([5], TokenIds(((5,),))),
        ([5, 6], TokenIds(((5, 6),))),
        ([[5, 6], [7]], TokenIds(((5, 6), (7,)))),
        (" ", Texts((" ",))),
        ("\0", Texts(("\0",))),
        (["x"] * 2048, Texts(("x",) * 2048)),
        ([1] * 5000, TokenIds(((1,) * 5000,))),
    ],
)
def test_the_four_forms_of_input_are_read(value: object, inputs: Inputs) -> None:
    """A text, texts, token ids and arrays of token ids, in their order, repeats kept."""
    assert parse(input=value) == EmbeddingsRequest("m", inputs, "float", None)


@pytest.mark.parametrize(
    ("value", "encoding"), [("float", "float"), ("base64", "base64"), (None, "float")]
)
def test_a_null_encoding_is_an_absent_one(value: str | None, encoding: Encoding) -> None:
    """Some SDKs send `null`; it means the default, floats."""
    assert parse(encoding_format=value) == EmbeddingsRequest("m", Texts(("a",)), encoding, None)


def test_unknown_and_null_fields_are_ignored() -> None:
    """A client written for a newer API still works."""
    plain = EmbeddingsRequest("m", Texts(("a",)), "float", None)
    assert parse(future={"a": [1]}, user=None, dimensions=None) == plain
    assert parse(user="someone") == plain


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({}, None),
        ({"input_type": None, "instruction": None}, None),
        ({"input_type": "document"}, None),
        ({"input_type": "document", "instruction": None}, None),
        ({"input_type": "query"}, Query(None)),
        ({"input_type": "query", "instruction": None}, Query(None)),
        ({"input_type": "query", "instruction": "Find"}, Query("Find")),
        ({"instruction": "Find"}, Query("Find")),
        ({"instruction": "é" * 4096}, Query("é" * 4096)),
    ],
)
def test_an_input_type_or_an_instruction_makes_texts_queries(
    fields: dict[str, object], query: Query | None
) -> None:
    """Only queries have an instruction, so one alone says enough; documents are as they are."""
    texts = EmbeddingsRequest("m", Texts(("a", "b"), query), "float", None)
    assert parse(input=["a", "b"], **fields) == texts


def test_token_ids_may_be_called_documents() -> None:
    """Nothing is put before those."""
    outcome = parse(input=[5], input_type="document")
    assert outcome == EmbeddingsRequest("m", TokenIds(((5,),)), "float", None)


@pytest.mark.parametrize(
    ("value", "truncate"),
    [(None, "none"), ("none", "none"), ("head", "head"), ("tail", "tail")],
)
def test_nothing_is_cut_unasked(value: str | None, truncate: Truncation) -> None:
    """`none` is the default, and `null` is the default too."""
    expected = EmbeddingsRequest("m", Texts(("a",)), "float", None, truncate)
    assert parse(truncate=value) == expected


ITEM_TYPE = "must be a string or an array of token ids - 'input'"
INPUT_TYPE = "Expected a string, an array of strings, or arrays of token ids - 'input'"
EMPTY = "Must not be empty - 'input'"
NO_IDS = (
    "Token ids cannot be put into a prompt: send text, or the ids of prompt and text together "
    "without input_type and instruction - 'input'"
)
INPUT_KIND = "Expected 'query' or 'document' - 'input_type'"
TRUNCATE = "Expected 'none', 'head' or 'tail' - 'truncate'"

MISTAKES: list[tuple[dict[str, object], str, str]] = [
    ({"model": None}, "model", "Missing required parameter: 'model'."),
    ({"model": ""}, "model", "Missing required parameter: 'model'."),
    ({"model": 5}, "model", "Expected a string - 'model'"),
    ({"model": ["m"]}, "model", "Expected a string - 'model'"),
    ({"input": None}, "input", "Missing required parameter: 'input'."),
    ({"input": ""}, "input", EMPTY),
    ({"input": []}, "input", EMPTY),
    ({"input": [""]}, "input", "Item 0 must not be empty - 'input'"),
    ({"input": ["a", ""]}, "input", "Item 1 must not be empty - 'input'"),
    ({"input": [[]]}, "input", "Item 0 must not be empty - 'input'"),
    ({"input": [[1], []]}, "input", "Item 1 must not be empty - 'input'"),
    ({"input": 5}, "input", INPUT_TYPE),
    ({"input": True}, "input", INPUT_TYPE),
    ({"input": {"text": "a"}}, "input", INPUT_TYPE),
    ({"input": [None]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": [True]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": [1, 2.5]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": ["a", {"text": "b"}]}, "input", f"Item 1 {ITEM_TYPE}"),
    ({"input": [[1, "2"]]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": [[1, True]]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": [[[1]]]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": [10**30]}, "input", f"Item 0 {ITEM_TYPE}"),
    ({"input": ["a", 5]}, "input", f"Item 1 {ITEM_TYPE}"),
    ({"input": ["a", [5]]}, "input", "Strings and token ids cannot be mixed - 'input'"),
    (
        {"input": ["a"] * 2049},
        *("input", "Array too long: 2049 items, maximum 2048 - 'input'"),
    ),
    (
        {"input": [[1]] * 2049},
        *("input", "Array too long: 2049 items, maximum 2048 - 'input'"),
    ),
    (
        {"encoding_format": "binary"},
        *("encoding_format", "Expected 'float' or 'base64' - 'encoding_format'"),
    ),
    (
        {"encoding_format": 1},
        *("encoding_format", "Expected 'float' or 'base64' - 'encoding_format'"),
    ),
    (
        {"encoding_format": ["float"]},
        *("encoding_format", "Expected 'float' or 'base64' - 'encoding_format'"),
    ),
    ({"dimensions": 0}, "dimensions", "0 is less than the minimum of 1 - 'dimensions'"),
    ({"dimensions": -1}, "dimensions", "-1 is less than the minimum of 1 - 'dimensions'"),
    ({"dimensions": "64"}, "dimensions", "Expected an integer - 'dimensions'"),
    ({"dimensions": 64.0}, "dimensions", "Expected an integer - 'dimensions'"),
    ({"dimensions": True}, "dimensions", "Expected an integer - 'dimensions'"),
    ({"user": 5}, "user", "Expected a string - 'user'"),
    ({"user": {}}, "user", "Expected a string - 'user'"),
    ({"input_type": "search_query"}, "input_type", INPUT_KIND),
    ({"input_type": ""}, "input_type", INPUT_KIND),
    ({"input_type": ["query"]}, "input_type", INPUT_KIND),
    ({"input_type": True}, "input_type", INPUT_KIND),
    ({"instruction": ""}, "instruction", "Must not be empty - 'instruction'"),
    ({"instruction": 5}, "instruction", "Expected a string - 'instruction'"),
    ({"instruction": ["Find"]}, "instruction", "Expected a string - 'instruction'"),
    (
        {"instruction": "a" * 4097},
        *("instruction", "Text too long: 4097 characters, maximum 4096 - 'instruction'"),
    ),
    (
        {"instruction": "Find", "input_type": "document"},
        *("instruction", "Documents are embedded without one - 'instruction'"),
    ),
    ({"input": [5], "input_type": "query"}, "input", NO_IDS),
    ({"input": [[5], [6]], "instruction": "Find"}, "input", NO_IDS),
    ({"truncate": "start"}, "truncate", TRUNCATE),
    ({"truncate": True}, "truncate", TRUNCATE),
    ({"truncate": ["head"]}, "truncate", TRUNCATE),
]
"""Fields put over a good body, and the parameter and message that answer them."""


@pytest.mark.parametrize(("fields", "param", "message"), MISTAKES, ids=lambda each: str(each)[:40])
def test_each_wrong_field_is_named_in_a_400(
    fields: dict[str, object], param: str, message: str
) -> None:
    """Whoever reads the message knows which field to mend, and how."""
    assert parse(**fields) == ApiError(400, message, param=param)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"5",
        b'{"input": "\xff"}',
        b'\xef\xbb\xbf{"input":"a","model":"m"}',
        b'{"input":"\\ud800","model":"m"}',
        b'{"input":NaN,"model":"m"}',
        b"[" * 100_000,
        '{"input":"a","model":"m"}'.encode("utf-16"),
        b'{"input":"a","model":"m"}{}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_an_object_in_utf8_is_refused(body: bytes) -> None:
    """Broken JSON, broken Unicode and endless nesting have one answer."""
    assert parse_embeddings(body) == errors.invalid_json()


words = st.sampled_from(
    ["", "a", "float", "base64", "m", "query", "document", "tail", "\0", "\N{PILE OF POO}"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=2),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("model", "input", "encoding_format", "dimensions", "user", "x"),
                *("input_type", "instruction", "truncate"),
            ]
        ),
        json_values,
    )
)
def test_any_object_is_read_or_refused_with_a_400(fields: dict[str, object]) -> None:
    """No body of right JSON raises, and no refusal lacks its parameter's name."""
    outcome = parse_embeddings(json.dumps(fields).encode())
    if isinstance(outcome, ApiError):
        assert outcome.status == 400
        assert outcome.param is not None or outcome == errors.invalid_json()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No body raises."""
    assert isinstance(parse_embeddings(body), EmbeddingsRequest | ApiError)
