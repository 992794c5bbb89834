"""The whole decision about one request, in the order in which it is cheapest to refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from authz.domain.directory import Endpoint, Holder
from authz.domain.endpoints import find_endpoint
from authz.domain.pepper import Pepper
from authz.domain.verdict import Allowed, Denied, Reason, Verdict
from authz.service.authenticate import authenticate
from authz.service.count_tokens import TokenCounter
from authz.service.current_directory import CurrentDirectory
from authz.service.entitle import check_endpoint
from authz.service.request_quota import RequestQuota
from contract import errors


@dataclass(frozen=True, slots=True)
class Question:
    """What a verdict is made from."""

    method: str
    path: str
    authorization: str | None = field(repr=False)
    body: bytes = field(repr=False)


class Checker:
    """Decides. `clock` gives the time of day, against which keys expire."""

    def __init__(
        self,
        current: CurrentDirectory,
        pepper: Pepper,
        counter: TokenCounter,
        quota: RequestQuota,
        clock: Callable[[], datetime],
    ) -> None:
        self._current = current
        self._pepper = pepper
        self._counter = counter
        self._quota = quota
        self._clock = clock

    async def judge(self, question: Question) -> Verdict:
        """Return the verdict.

        Raises:
            UndecidedError: something that a verdict needs is missing.
        """
        holder = authenticate(question.authorization, self._current, self._pepper, self._clock())
        if isinstance(holder, Denied):
            return holder
        endpoint = find_endpoint(question.method, question.path)
        if endpoint is None:
            return Denied(Reason.UNKNOWN_URL, errors.unknown_url())
        if (denied := check_endpoint(holder, endpoint)) is not None:
            return denied
        match endpoint:
            case Endpoint.MODELS:
                # Clients list models when they start; it costs nothing and is not charged.
                return Allowed(holder.account.id, holder.key.id)
            case Endpoint.EMBEDDINGS:
                return await self._judge_embeddings(holder, question.body)
            case _:
                assert_never(endpoint)

    async def _judge_embeddings(self, holder: Holder, body: bytes) -> Verdict:
        """Count, then charge: a request that is wrong in itself costs its sender nothing."""
        account, limit = holder.account, holder.tier.requests_per_minute
        tokens = await self._counter.count(body, holder)
        if isinstance(tokens, Denied):
            return replace(tokens, bucket=self._quota.peek(account.id, limit))
        charge = await self._quota.charge(account.id, limit)
        bucket = charge.bucket
        if charge.granted:
            return Allowed(account.id, holder.key.id, tokens, bucket)
        error = errors.request_rate_exceeded(
            self._counter.model,
            account.name,
            bucket.limit,
            bucket.limit - bucket.remaining,
            bucket.time_until_one_fits,
        )
        return Denied(Reason.TOO_MANY_REQUESTS, error, bucket)
