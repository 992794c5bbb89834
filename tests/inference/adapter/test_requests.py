"""Every request that the API refuses, and the routes that it knows."""

from collections.abc import AsyncIterator

import pytest

from contract import errors
from contract.errors import ApiError
from contract.limits import BODY_BYTES_MAX
from contract.tokens import RequestTokenizer
from tests.contract.model_folder import CARD
from tests.contract.test_embeddings import MISTAKES
from tests.inference.adapter.adapter_server import Adapter, in_process, settings_with
from tests.inference.adapter.fake_embedder import FakeEmbedder


@pytest.fixture
async def adapter(tokenizer: RequestTokenizer) -> AsyncIterator[Adapter]:
    """An adapter without a model."""
    async with in_process(tokenizer, FakeEmbedder(), settings_with()) as adapter:
        yield adapter


def shorten(value: object) -> str:
    """A test's name that fits a line."""
    return str(value)[:40]


@pytest.mark.parametrize(("fields", "param", "message"), MISTAKES, ids=shorten)
async def test_each_wrong_field_is_answered_as_the_contract_says(
    adapter: Adapter, fields: dict[str, object], param: str, message: str
) -> None:
    """Status, message, param and code over HTTP are those that authz answers too."""
    answer = await adapter.embed(**fields)
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    assert (answer.status_code, answer.json()) == (400, {"error": error})


LIMITS: list[tuple[dict[str, object], ApiError]] = [
    ({"model": "gpt-4"}, errors.model_not_found("gpt-4")),
    (
        {"dimensions": 31},
        errors.invalid_parameter("dimensions", "31 is less than the minimum of 32"),
    ),
    (
        {"dimensions": 385},
        errors.invalid_parameter("dimensions", "385 is greater than the maximum of 384"),
    ),
    (
        {"input": [[5], [30522]]},
        errors.invalid_parameter("input", "Token id 30522 in input 1 is not in [0, 30522)"),
    ),
    ({"input": ["a", "a " * 511]}, errors.context_length_exceeded(512, 513, 1)),
    ({"input": [5] * 511}, errors.context_length_exceeded(512, 513, 0)),
    ({"input": [[5] * 510] * 586}, errors.max_tokens_per_request(586 * 512, 300_000)),
]


@pytest.mark.parametrize(("fields", "error"), LIMITS, ids=shorten)
async def test_each_limit_of_the_model_is_answered_as_the_contract_says(
    adapter: Adapter, fields: dict[str, object], error: ApiError
) -> None:
    """Nothing is truncated, clipped or ignored; the answer names the limit."""
    answer = await adapter.embed(**fields)
    assert (answer.status_code, answer.content) == (error.status, error.body())
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input":"\xff","model":"m"}'])
async def test_what_is_not_json_is_a_400(adapter: Adapter, body: bytes) -> None:
    """Broken JSON and broken Unicode."""
    answer = await adapter.client.post("/v1/embeddings", content=body)
    assert (answer.status_code, answer.content) == (400, errors.invalid_json().body())


async def test_a_body_over_the_limit_is_a_413(adapter: Adapter) -> None:
    """It is not read to its end, whatever length it claims or does not."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 2**20 + 1):
            yield b" " * 2**20

    answer = await adapter.client.post("/v1/embeddings", content=chunks())
    expected = errors.body_too_large(BODY_BYTES_MAX)
    assert (answer.status_code, answer.content) == (413, expected.body())


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1", "/v1/embeddings/", "/v1/embedding", "/V1/embeddings", "//v1/embeddings"),
        *("/v1/embeddings;x", "/v1/models/", "/v1/completions", "/metrics/"),
    ],
)
async def test_an_unknown_path_is_a_404_in_openais_form(adapter: Adapter, path: str) -> None:
    """Only the exact paths are served, and none is redirected."""
    answer = await adapter.client.get(httpx_path(path))
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


def httpx_path(path: str) -> str:
    """A path that httpx sends as it stands."""
    return path if not path.startswith("//") else "/." + path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/embeddings", {"POST"}),
        ("PUT", "/v1/embeddings", {"POST"}),
        ("OPTIONS", "/v1/embeddings", {"POST"}),
        ("POST", "/v1/models", {"GET", "HEAD"}),
        ("DELETE", "/v1/models/x/y", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_a_405_that_names_the_right_one(
    adapter: Adapter, method: str, path: str, allowed: set[str]
) -> None:
    """In OpenAI's form, and with the header that HTTP requires."""
    answer = await adapter.client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "name", [CARD.id, CARD.id.replace("/", "%2F"), CARD.id.replace("/", "%2f")]
)
async def test_a_model_is_found_by_its_id_however_its_slash_is_written(
    adapter: Adapter, name: str
) -> None:
    """SDKs percent-encode the slash; people do not."""
    answer = await adapter.client.get(f"/v1/models/{name}")
    assert answer.json() == {
        "id": CARD.id,
        "object": "model",
        "created": CARD.created,
        "owned_by": "tessera",
    }


async def test_the_list_of_models_holds_the_model_and_its_aliases(adapter: Adapter) -> None:
    """An alias says what it stands for."""
    models = (await adapter.client.get("/v1/models")).json()["data"]
    assert [(model["id"], model.get("alias_of")) for model in models] == [
        (CARD.id, None),
        ("Qwen/Qwen3-Embedding-8B", CARD.id),
    ]


async def test_an_unknown_model_is_a_404_with_its_code(adapter: Adapter) -> None:
    """The same answer as to an embedding with that model."""
    answer = await adapter.client.get("/v1/models/openai/gpt-4")
    assert answer.status_code == 404
    assert answer.content == errors.model_not_found("openai/gpt-4").body()
