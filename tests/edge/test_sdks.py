"""What the official clients send for a model whose id holds a slash."""

import openai
import pytest

from tests.edge.conftest import Edge
from tests.edge.http1 import KEY

_MODEL = "Qwen/Qwen3-Embedding-8B"


def _client(edge: Edge, key: str = KEY) -> openai.OpenAI:
    url = f"http://127.0.0.1:{edge.port}/v1"
    return openai.OpenAI(api_key=key, base_url=url, max_retries=0, timeout=10)


def test_the_python_client_retrieves_a_model_by_its_id(edge: Edge) -> None:
    """It escapes the slash; the adapter reads the id."""
    _client(edge).models.retrieve(_MODEL)
    assert edge.adapter.received[0].path == f"/v1/models/{_MODEL}"


def test_the_python_client_understands_envoys_own_refusals(edge: Edge) -> None:
    """Of a bad key, and of a body that is too large, also with a bad key."""
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        _client(edge, "sk-wrong").models.list()
    for key, error in ((KEY, openai.APIStatusError), ("sk-wrong", openai.AuthenticationError)):
        with pytest.raises(error) as raised:
            _client(edge, key).embeddings.create(model=_MODEL, input="x" * (9 * 2**20))
        assert raised.value.request_id is not None
