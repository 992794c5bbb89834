"""The whole decision about one request, in the order in which it is cheapest to refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from authz.domain.directory import Endpoint, Holder, Key
from authz.domain.endpoints import find_endpoint
from authz.domain.verdict import Allowed, Denied, Reason, Verdict
from authz.service.authenticate import Authenticator
from authz.service.count_tokens import TokenCounter
from authz.service.entitle import check_endpoint
from authz.service.request_quota import RequestQuota
from contract import errors


@dataclass(frozen=True, slots=True)
class Question:
    """What a verdict is made from."""

    method: str
    path: str
    authorization: str | None = field(repr=False)
    client_address: str | None
    body: bytes = field(repr=False)


class Checker:
    """Decides. `clock` gives the time of day, against which keys expire.

    A key whose end is nearer than `expires_notice` has it told with each verdict.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        counter: TokenCounter,
        quota: RequestQuota,
        clock: Callable[[], datetime],
        expires_notice: timedelta,
    ) -> None:
        self._authenticator = authenticator
        self._counter = counter
        self._quota = quota
        self._clock = clock
        self._expires_notice = expires_notice

    async def judge(self, question: Question) -> Verdict:
        """Return the verdict.

        Raises:
            UndecidedError: something that a verdict needs is missing.
        """
        now = self._clock()
        holder = self._authenticator.authenticate(
            question.authorization, question.client_address, now
        )
        if isinstance(holder, Denied):
            return holder
        verdict = await self._judge_holder(holder, question)
        if self._ends_soon(holder.key, now):
            return replace(verdict, key_expires_at=holder.key.expires_at)
        return verdict

    def _ends_soon(self, key: Key, now: datetime) -> bool:
        return key.expires_at is not None and key.expires_at - now <= self._expires_notice

    async def _judge_holder(self, holder: Holder, question: Question) -> Verdict:
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
