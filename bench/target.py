"""Where a load goes and what it sends."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import orjson


@dataclass(frozen=True, slots=True)
class Target:
    """An HTTP/1.1 server on loopback and the whole requests, as bytes, to send it in turn."""

    name: str
    host: str
    port: int
    requests: tuple[bytes, ...]

    @classmethod
    def embeddings(
        cls, name: str, port: int, path: str, model: str, texts: Iterable[str], key: str
    ) -> Self:
        """Return a target whose every request asks for one text's embedding, as base64."""
        return cls(
            name=name,
            host="127.0.0.1",
            port=port,
            requests=tuple(_request(path, model, text, key) for text in texts),
        )


def _request(path: str, model: str, text: str, key: str) -> bytes:
    body = orjson.dumps({"model": model, "input": text, "encoding_format": "base64"})
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
