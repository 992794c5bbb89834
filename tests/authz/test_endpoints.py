"""Methods and paths."""

import pytest

from authz.domain.directory import Endpoint
from authz.domain.endpoints import Call, find_call


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", "/v1/embeddings", Call.EMBED),
        ("POST", "/v1/embeddings?x=/v1/models", Call.EMBED),
        ("POST", "/v1/embeddings/count", Call.COUNT),
        ("GET", "/v1/embeddings/count", None),
        ("POST", "/v1/embeddings/count/", None),
        ("POST", "/v1/embeddings/counts", None),
        ("GET", "/v1/models", Call.LIST_MODELS),
        ("GET", "/v1/models/Qwen%2FQwen3-Embedding-8B", Call.LIST_MODELS),
        ("GET", "/v1/models/Qwen/Qwen3-Embedding-8B", Call.LIST_MODELS),
        ("GET", "/v1/embeddings", None),
        ("POST", "/v1/models", None),
        ("POST", "//v1/embeddings", None),
        ("POST", "/v1/embeddings/", None),
        ("POST", "/v1/embeddings;x", None),
        ("POST", "/V1/embeddings", None),
        ("POST", "/v1%2fembeddings", None),
        ("GET", "/v1/modelsx", None),
        ("GET", "/v1/organization/usage/embeddings", Call.REPORT_USAGE),
        ("GET", "/v1/organization/usage/embeddings?start_time=1", Call.REPORT_USAGE),
        ("POST", "/v1/organization/usage/embeddings", None),
        ("GET", "/v1/organization/usage/embeddings/", None),
        ("GET", "/v1/organization/usage", None),
        ("", "", None),
    ],
)
def test_only_what_is_served_is_a_call(method: str, path: str, call: Call | None) -> None:
    """A spelling that Envoy let through by mistake is still refused here."""
    assert find_call(method, path) is call


def test_whoever_may_embed_may_count() -> None:
    """The same key serves for both, and one that was made for models alone for neither."""
    assert {call: call.endpoint for call in Call} == {
        Call.EMBED: Endpoint.EMBEDDINGS,
        Call.COUNT: Endpoint.EMBEDDINGS,
        Call.LIST_MODELS: Endpoint.MODELS,
        Call.REPORT_USAGE: Endpoint.USAGE,
    }
