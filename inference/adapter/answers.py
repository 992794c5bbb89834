"""The bodies of successful answers, as bytes.

Vectors are concatenated, never put through a serialiser of objects: one of 4,096 numbers would
cost milliseconds instead of microseconds.
"""

from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, assert_never

import numpy as np
import orjson

from contract.embeddings import Encoding
from contract.errors import ApiError, model_not_found
from contract.limits import REQUEST_TOKENS_MAX
from contract.models import ModelCard
from inference.adapter.embedder import Vectors

_NOTHING_CUT: Final[Mapping[int, int]] = {}


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a caller's limits, as authz says; nothing where nobody says."""

    requests: int | None
    tokens: int | None
    month_tokens: int | None


def write_embeddings(
    vectors: Vectors,
    encoding: Encoding,
    model_id: str,
    tokens: int,
    truncated: Mapping[int, int] = _NOTHING_CUT,
) -> bytes:
    """Write the answer to `POST /v1/embeddings`; row `i` answers input `i`.

    `truncated` is how many tokens of an input were cut, by its index.
    """
    # Joined once, out of what is there: formatting would copy each vector several times.
    parts = [b'{"object":"list","data":[']
    for index, text in enumerate(_write_rows(vectors, encoding)):
        before = b"," if index else b""
        parts += (b'%b{"object":"embedding","index":%d,"embedding":' % (before, index), *text)
        lost = truncated.get(index)
        parts.append(b"}" if lost is None else b',"truncated_tokens":%d}' % lost)
    usage = b'{"prompt_tokens":%d,"total_tokens":%d}' % (tokens, tokens)
    parts.append(b'],"model":%b,"usage":%b}' % (orjson.dumps(model_id), usage))
    return b"".join(parts)


def _write_rows(vectors: Vectors, encoding: Encoding) -> Iterator[Sequence[bytes]]:
    match encoding:
        case "base64":
            little = np.ascontiguousarray(vectors, dtype="<f4")
            return ((b'"', b2a_base64(row, newline=False), b'"') for row in little)
        case "float":
            rows = np.ascontiguousarray(vectors)
            return ((orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY),) for row in rows)
        case _:
            assert_never(encoding)


def write_count(lengths: Sequence[int], card: ModelCard, remaining: Remaining) -> bytes:
    """Write the answer to `POST /v1/embeddings/count`: how many tokens each input has."""
    cut = [max(0, length - card.context_tokens) for length in lengths]
    return orjson.dumps(
        {
            "object": "list",
            "data": [
                {"object": "token_count", "index": i, "tokens": tokens, "truncated_tokens": cut[i]}
                for i, tokens in enumerate(lengths)
            ],
            "model": card.id,
            "total_tokens": sum(lengths) - sum(cut),
            "limits": {
                "tokens_per_input": card.context_tokens,
                "tokens_per_request": REQUEST_TOKENS_MAX,
            },
            "remaining": asdict(remaining),
        }
    )


def write_models(card: ModelCard) -> bytes:
    """Write the answer to `GET /v1/models`: the model, then its other names."""
    names = (card.id, *card.aliases)
    return orjson.dumps({"object": "list", "data": [_describe(card, name) for name in names]})


def find_model(card: ModelCard, name: str) -> bytes | ApiError:
    """Write the answer to `GET /v1/models/{name}`."""
    if not card.answers_to(name):
        return model_not_found(name)
    return orjson.dumps(_describe(card, name))


def _describe(card: ModelCard, name: str) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": name,
        "object": "model",
        "created": card.created,
        "owned_by": card.owned_by,
    }
    return entry if name == card.id else entry | {"alias_of": card.id}
