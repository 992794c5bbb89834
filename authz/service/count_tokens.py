"""Counts what a request will cost, without letting a large one delay the small ones."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from authz.domain.directory import Holder
from authz.domain.undecided import TokenisersBusyError
from authz.domain.verdict import Denied, Reason
from authz.service.entitle import check_request
from contract.embeddings import parse_embeddings
from contract.errors import ApiError
from contract.tokens import RequestTokenizer

_THREADS: Final = 2


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
        if len(body) <= self._inline_bytes:
            return self._count_now(body, holder)
        if self._queued_bytes + len(body) > self._queue_bytes_max:
            raise TokenisersBusyError
        self._queued_bytes += len(body)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._count_now, body, holder)
        finally:
            self._queued_bytes -= len(body)

    def _count_now(self, body: bytes, holder: Holder) -> int | Denied:
        request = parse_embeddings(body)
        if isinstance(request, ApiError):
            return Denied(Reason.INVALID_REQUEST, request)
        if (denied := check_request(holder, request, self._tokenizer.card)) is not None:
            return denied
        tokens = self._tokenizer.count(request)
        if isinstance(tokens, ApiError):
            return Denied(Reason.INVALID_REQUEST, tokens)
        return tokens
