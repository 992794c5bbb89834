"""Answers one request: read, admit, run, write."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import structlog

from contract import errors
from contract.embeddings import EmbeddingsRequest, parse_embeddings
from contract.errors import ApiError
from contract.prompts import prompt_characters
from contract.tokens import RequestTokenizer, Tokenised
from inference.adapter.admission import Overloaded
from inference.adapter.answers import Remaining, write_count, write_embeddings
from inference.adapter.dispatch import Dispatcher
from inference.adapter.embedder import Vectors
from inference.adapter.metrics import AdapterMetrics
from inference.adapter.threads import Threads
from inference.adapter.vectors import cut

_Result = TypeVar("_Result")

_log = structlog.get_logger()

_INLINE_NUMBERS_MAX: Final = 16_384
"""Components of vectors that are written out within a millisecond."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that is within every limit, and its token ids."""

    request: EmbeddingsRequest
    tokenised: Tokenised


@dataclass(frozen=True, slots=True)
class Served:
    """An answer's body, and the tokens of the vectors in it."""

    body: bytes
    tokens: int


class EmbeddingService:
    """Answers embedding requests, given as bytes, with bytes."""

    def __init__(
        self,
        tokenizer: RequestTokenizer,
        dispatcher: Dispatcher,
        threads: Threads,
        metrics: AdapterMetrics,
        inline_bytes_max: int,
    ) -> None:
        """Bodies of at most `inline_bytes_max`, and of prompts, are read on the event loop."""
        self._tokenizer = tokenizer
        self._dispatcher = dispatcher
        self._threads = threads
        self._metrics = metrics
        self._inline_bytes_max = inline_bytes_max

    async def embed(self, body: bytes, charged: str | None, key: str) -> Served | ApiError:
        """Return the answer; `charged` is how many tokens authz says it charged, `key` whom.

        Raises:
            EmbedderError: the model gave no vectors.
            ThreadsBusyError: too many long bodies are waiting to be read.
        """
        checked = await self._read(body, partial(check, self._tokenizer))
        if isinstance(checked, ApiError):
            return checked
        tokens = checked.tokenised.total
        self._compare(charged, tokens)
        vectors = await self._dispatcher.embed(checked.tokenised.sequences, key)
        if isinstance(vectors, Overloaded):
            return errors.overloaded(vectors.retry_after)
        write = partial(self._write, checked, vectors)
        is_short = vectors.size <= _INLINE_NUMBERS_MAX
        answer = write() if is_short else await self._threads.finish(write)
        self._metrics.count_tokens(tokens)
        return Served(answer, tokens)

    async def count(self, body: bytes, remaining: Remaining) -> bytes | ApiError:
        """Return how many tokens each input has; the model is not asked.

        Raises:
            ThreadsBusyError: too many long bodies are waiting to be read.
        """
        lengths = await self._read(body, self._tokenizer.measure)
        if isinstance(lengths, ApiError):
            return lengths
        return write_count(lengths, self._tokenizer.card, remaining)

    async def _read(
        self, body: bytes, use: Callable[[EmbeddingsRequest], _Result | ApiError]
    ) -> _Result | ApiError:
        """Parse a body, and use what it asks for: on the event loop where both are short."""
        if len(body) > self._inline_bytes_max:
            return await self._threads.run(partial(_parse, body, use))
        request = parse_embeddings(body)
        if isinstance(request, ApiError):
            return request
        if prompt_characters(request, self._tokenizer.card) > self._inline_bytes_max:
            return await self._threads.run(partial(use, request))
        return use(request)

    def _compare(self, charged: str | None, tokens: int) -> None:
        if charged is None or charged == str(tokens):
            return  # without authz in front, nothing is charged
        self._metrics.count_usage_mismatch()
        _log.error("usage.differed", charged=charged, tokens=tokens)

    def _write(self, checked: Checked, vectors: Vectors) -> bytes:
        request = checked.request
        return write_embeddings(
            cut(vectors, request.dimensions),
            request.encoding,
            self._tokenizer.card.id,
            checked.tokenised.total,
            checked.tokenised.truncated,
        )


def check(tokenizer: RequestTokenizer, request: EmbeddingsRequest) -> Checked | ApiError:
    """Tokenise a request; the same code charges for it in authz."""
    tokenised = tokenizer.tokenise(request)
    return tokenised if isinstance(tokenised, ApiError) else Checked(request, tokenised)


def _parse(
    body: bytes, use: Callable[[EmbeddingsRequest], _Result | ApiError]
) -> _Result | ApiError:
    request = parse_embeddings(body)
    return request if isinstance(request, ApiError) else use(request)
