"""Counts what a request will cost, without letting a large one delay the small ones."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from authz.domain.directory import Holder
from authz.domain.undecided import TokenisersBusyError
from authz.domain.verdict import Denied, Reason
from authz.service.entitle import check_request
from contract.embeddings import EmbeddingsRequest, parse_embeddings
from contract.errors import ApiError
from contract.tokens import RequestTokenizer

_THREADS: Final = 2

_Result = TypeVar("_Result")


class TokenCounter:
    """Parses and tokenises bodies: short ones at once, long ones in a few threads.

    `inline_bytes` is the length up to which changing to a thread would cost more than it saves.
    Long bodies under way hold at most `queue_bytes_max` together; the next is refused rather than
    queued.
    """

    def __init__(
        self, tokenizer: RequestTokenizer, inline_bytes: int, queue_bytes_max: int
    ) -> None:
        self._tokenizer = tokenizer
        self._inline_bytes = inline_bytes
        self._queue_bytes_max = queue_bytes_max
        self._queued_bytes = 0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tokenise")

    @property
    def model(self) -> str:
        """The id of the model whose tokens are counted."""
        return self._tokenizer.card.id

    async def count(self, body: bytes, holder: Holder) -> int | Denied:
        """Return the tokens of a request that the holder's tier covers.

        Raises:
            TokenisersBusyError: too many long bodies are being counted.
        """
        return await self._run(len(body), partial(self._count, body, holder))

    async def check(self, body: bytes, holder: Holder) -> Denied | None:
        """Return what is wrong with a request other than the length of its inputs.

        Raises:
            TokenisersBusyError: too many long bodies are being counted.
        """
        return await self._run(len(body), partial(self._check, body, holder))

    async def _run(self, body_bytes: int, work: Callable[[], _Result]) -> _Result:
        if body_bytes <= self._inline_bytes:
            return work()
        if self._queued_bytes + body_bytes > self._queue_bytes_max:
            raise TokenisersBusyError
        self._queued_bytes += body_bytes
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._queued_bytes -= body_bytes

    def _count(self, body: bytes, holder: Holder) -> int | Denied:
        request = self._parse(body, holder)
        if isinstance(request, Denied):
            return request
        tokens = self._tokenizer.count(request)
        return _deny(tokens) if isinstance(tokens, ApiError) else tokens

    def _check(self, body: bytes, holder: Holder) -> Denied | None:
        request = self._parse(body, holder)
        if isinstance(request, Denied):
            return request
        tokens = self._tokenizer.measure(request)
        return _deny(tokens) if isinstance(tokens, ApiError) else None

    def _parse(self, body: bytes, holder: Holder) -> EmbeddingsRequest | Denied:
        request = parse_embeddings(body)
        if isinstance(request, ApiError):
            return _deny(request)
        return check_request(holder, request, self._tokenizer.card) or request


def _deny(error: ApiError) -> Denied:
    return Denied(Reason.INVALID_REQUEST, error)
