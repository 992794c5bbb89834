"""Methods and paths."""

import pytest

from authz.domain.directory import Endpoint
from authz.domain.endpoints import find_endpoint


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v1/embeddings", Endpoint.EMBEDDINGS),
        ("POST", "/v1/embeddings?x=/v1/models", Endpoint.EMBEDDINGS),
        ("GET", "/v1/models", Endpoint.MODELS),
        ("GET", "/v1/models/Qwen%2FQwen3-Embedding-8B", Endpoint.MODELS),
        ("GET", "/v1/models/Qwen/Qwen3-Embedding-8B", Endpoint.MODELS),
        ("GET", "/v1/embeddings", None),
        ("POST", "/v1/models", None),
        ("POST", "//v1/embeddings", None),
        ("POST", "/v1/embeddings/", None),
        ("POST", "/v1/embeddings;x", None),
        ("POST", "/V1/embeddings", None),
        ("POST", "/v1%2fembeddings", None),
        ("GET", "/v1/modelsx", None),
        ("GET", "/v1/organization/usage/embeddings", Endpoint.USAGE),
        ("GET", "/v1/organization/usage/embeddings?start_time=1", Endpoint.USAGE),
        ("POST", "/v1/organization/usage/embeddings", None),
        ("GET", "/v1/organization/usage/embeddings/", None),
        ("GET", "/v1/organization/usage", None),
        ("", "", None),
    ],
)
def test_only_what_is_served_is_an_endpoint(
    method: str, path: str, endpoint: Endpoint | None
) -> None:
    """A spelling that Envoy let through by mistake is still refused here."""
    assert find_endpoint(method, path) is endpoint
