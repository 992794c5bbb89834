"""How often the garbage collector interrupts a server."""

import gc
from collections.abc import Iterator

import orjson
import pytest

from runtime.garbage import settle


@pytest.fixture
def settled() -> Iterator[None]:
    """A process as a server's is, and back."""
    before = gc.get_threshold()
    settle()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("settled")
def test_a_large_body_is_parsed_without_full_collections() -> None:
    """A million arrays in one body make no pass over all objects, which would hold up everyone."""
    body = b"[" + b",".join([b"[1]"] * 1_000_000) + b"]"
    before = _full_collections()
    orjson.loads(body)
    assert _full_collections() == before


def _full_collections() -> int:
    return int(gc.get_stats()[2]["collections"])
