"""Counts what a request will cost, without letting a large one delay the small ones."""

import asyncio
import threading
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
from contract.prompts import prompt_characters
from contract.tokens import RequestTokenizer

_THREADS: Final = 2

_Result = TypeVar("_Result")

Use = Callable[[EmbeddingsRequest], _Result | ApiError]
"""What is done with a request that its holder may make."""


class TokenCounter:
    """Parses and tokenises bodies: short ones at once, long ones in a few threads.

    `inline_bytes` is the length, of prompts too, up to which changing to a thread would cost more
    than it saves. What is long and under way holds at most `queue_bytes_max` together; the next is
    refused rather than queued.
    """

    def __init__(
        self, tokenizer: RequestTokenizer, inline_bytes: int, queue_bytes_max: int
    ) -> None:
        self._tokenizer = tokenizer
        self._inline_bytes = inline_bytes
        self._queue_bytes_max = queue_bytes_max
        self._queued_bytes = 0
        self._lock = threading.Lock()
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
        return await self._read(body, holder, self._tokenizer.count)

    async def check(self, body: bytes, holder: Holder) -> Denied | None:
        """Return what is wrong with a request other than the length of its inputs.

        Raises:
            TokenisersBusyError: too many long bodies are being counted.
        """
        measured = await self._read(body, holder, self._tokenizer.measure)
        return measured if isinstance(measured, Denied) else None

    async def _read(self, body: bytes, holder: Holder, use: Use[_Result]) -> _Result | Denied:
        """Parse a body, and use what it asks for: at once where both are short."""
        if len(body) > self._inline_bytes:
            return await self._run(len(body), partial(self._parse_and_use, body, holder, use))
        request = self._parse(body, holder)
        if isinstance(request, Denied):
            return request
        characters = prompt_characters(request, self._tokenizer.card)
        if characters > self._inline_bytes:
            return await self._run(characters, partial(_use, request, use))
        return _use(request, use)

    async def _run(self, size: int, work: Callable[[], _Result]) -> _Result:
        """Do work in a thread; it counts as queued until it is done, whoever has left meanwhile."""
        with self._lock:
            if self._queued_bytes + size > self._queue_bytes_max:
                raise TokenisersBusyError
            self._queued_bytes += size
        job = self._threads.submit(work)
        job.add_done_callback(lambda _: self._release(size))
        return await asyncio.wrap_future(job)

    def _release(self, size: int) -> None:
        with self._lock:
            self._queued_bytes -= size

    def _parse_and_use(self, body: bytes, holder: Holder, use: Use[_Result]) -> _Result | Denied:
        request = self._parse(body, holder)
        return request if isinstance(request, Denied) else _use(request, use)

    def _parse(self, body: bytes, holder: Holder) -> EmbeddingsRequest | Denied:
        request = parse_embeddings(body)
        if isinstance(request, ApiError):
            return _deny(request)
        return check_request(holder, request, self._tokenizer.card) or request


def _use(request: EmbeddingsRequest, use: Use[_Result]) -> _Result | Denied:
    result = use(request)
    return _deny(result) if isinstance(result, ApiError) else result


def _deny(error: ApiError) -> Denied:
    return Denied(Reason.INVALID_REQUEST, error)
