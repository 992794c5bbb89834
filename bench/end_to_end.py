"""The whole path on real vectors: ours against infinity-emb, same weights, same texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench import peer
from bench.comparison import Comparison, compare
from bench.product import MODEL
from bench.target import Target
from bench.texts import make_texts
from stack.launch import RunningStack

_WORDS_MEAN: Final = 16
"""About 19 tokens, the length of a search query or a sentence."""


def compare_with_peer(
    stack: RunningStack, folder: Path, *, seconds: float, rounds: int, say: Callable[[str], None]
) -> Comparison:
    """Compare Envoy, authz, adapter and Triton together with the peer alone."""
    texts = make_texts(500, _WORDS_MEAN)
    say("Starting infinity-emb")
    with peer.running_peer(folder) as peer_port:
        base = Target.embeddings("infinity-emb", peer_port, "/embeddings", peer.MODEL, texts, "-")
        port = urlsplit(stack.base_url).port or 80
        ours = Target.embeddings("Tessera", port, "/v1/embeddings", MODEL, texts, stack.key)
        return compare(
            "The whole path on all-MiniLM-L6-v2",
            base,
            ours,
            connections=32,
            seconds=seconds,
            rounds=rounds,
            say=say,
        )
