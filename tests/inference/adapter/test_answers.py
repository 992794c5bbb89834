"""The bodies of successful answers."""

import base64
import json
from typing import Final

import numpy as np

from contract.embeddings import Encoding
from inference.adapter.answers import (
    Remaining,
    find_model,
    write_count,
    write_embeddings,
    write_models,
)
from inference.adapter.vectors import cut
from tests.contract.model_folder import CARD
from tests.inference.adapter.fake_embedder import vector_of

ENCODINGS: Final[tuple[Encoding, ...]] = ("float", "base64")
VECTORS = np.stack([vector_of([1]), vector_of([2])])


def test_an_answer_has_openais_shape() -> None:
    """Field by field what the SDKs read."""
    answer = json.loads(write_embeddings(VECTORS, "float", "a/model", 7))
    assert answer["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert answer["model"] == "a/model"
    assert answer["object"] == "list"
    assert [(item["object"], item["index"]) for item in answer["data"]] == [
        ("embedding", 0),
        ("embedding", 1),
    ]


def test_floats_are_exact() -> None:
    """A client that reads the text as float32 has the model's own bits."""
    answer = json.loads(write_embeddings(VECTORS, "float", "m", 7))
    read = np.array([item["embedding"] for item in answer["data"]], dtype=np.float32)
    np.testing.assert_array_equal(read, VECTORS)


def test_base64_is_little_endian_float32() -> None:
    """As both official SDKs decode it."""
    answer = json.loads(write_embeddings(VECTORS, "base64", "m", 7))
    read = [np.frombuffer(base64.b64decode(i["embedding"]), "<f4") for i in answer["data"]]
    np.testing.assert_array_equal(np.stack(read), VECTORS)


def test_what_was_cut_of_an_input_is_said_beside_its_vector() -> None:
    """Of that input alone, in both encodings; of whole inputs nothing is said."""
    for encoding in ENCODINGS:
        answer = json.loads(write_embeddings(VECTORS, encoding, "m", 7, {1: 88}))
        assert [item.get("truncated_tokens") for item in answer["data"]] == [None, 88]
        assert "truncated_tokens" not in answer["data"][0]


def test_a_count_has_what_a_client_needs_to_plan_with() -> None:
    """Tokens by input, what would be cut, what it would cost, and what is left."""
    answer = json.loads(write_count([3, 512, 600], CARD, Remaining(59, 9000, 10**9)))
    assert answer == {
        "object": "list",
        "data": [
            {"object": "token_count", "index": 0, "tokens": 3, "truncated_tokens": 0},
            {"object": "token_count", "index": 1, "tokens": 512, "truncated_tokens": 0},
            {"object": "token_count", "index": 2, "tokens": 600, "truncated_tokens": 88},
        ],
        "model": CARD.id,
        "total_tokens": 1027,
        "limits": {"tokens_per_input": 512, "tokens_per_request": 300_000},
        "remaining": {"requests": 59, "tokens": 9000, "month_tokens": 1_000_000_000},
    }


def test_a_cut_vector_is_written_whole() -> None:
    """A slice of a larger array is written by its own numbers, in both encodings."""
    narrow = cut(VECTORS, 32)
    floats = json.loads(write_embeddings(narrow, "float", "m", 7))
    coded = json.loads(write_embeddings(narrow, "base64", "m", 7))
    for row, as_floats, as_base64 in zip(narrow, floats["data"], coded["data"], strict=True):
        assert np.array(as_floats["embedding"], dtype=np.float32).tolist() == row.tolist()
        assert base64.b64decode(as_base64["embedding"]) == row.astype("<f4").tobytes()


def test_a_models_other_names_say_what_they_stand_for() -> None:
    """Nobody takes an alias for another model."""
    entry = {"object": "model", "created": CARD.created, "owned_by": "tessera"}
    alias = {"id": "Qwen/Qwen3-Embedding-8B", **entry, "alias_of": CARD.id}
    assert json.loads(write_models(CARD)) == {
        "object": "list",
        "data": [{"id": CARD.id, **entry}, alias],
    }
    found = find_model(CARD, "Qwen/Qwen3-Embedding-8B")
    assert isinstance(found, bytes)
    assert json.loads(found) == alias
