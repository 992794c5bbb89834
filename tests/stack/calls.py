"""One request to a running stack."""

import httpx

from stack.launch import RunningStack
from tests import unencrypted


def embed(stack: RunningStack) -> int:
    """Ask for an embedding, and return the status; 0 where nothing answers."""
    try:
        return unencrypted.post(
            f"{stack.base_url}/embeddings",
            headers={"authorization": f"Bearer {stack.key}"},
            json={"model": "Qwen/Qwen3-Embedding-8B", "input": "Hello, world"},
            timeout=10,
        ).status_code
    except httpx.HTTPError:
        return 0
