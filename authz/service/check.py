"""The whole decision about one request, in the order in which it is cheapest to refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, assert_never

from authz.domain.directory import AccountId, Holder, Key, KeyId
from authz.domain.endpoints import Call, find_call
from authz.domain.quota.amounts import Amounts
from authz.domain.undecided import UndecidedError
from authz.domain.verdict import Allowed, Denied, Reason, Verdict
from authz.service.authenticate import Authenticator
from authz.service.count_tokens import TokenCounter
from authz.service.entitle import check_endpoint
from authz.service.quota.charger import Charger
from authz.service.quota.decision import Refused, Ticket
from authz.service.quota.refusal import deny
from contract import errors

_COUNTING: Final = Amounts(1, 0)

Record = Callable[[str, AccountId, KeyId, Amounts, Ticket], int]
"""Writes down what a request, by its id, was charged; returns the minute that it counts in."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a verdict is made from; with its id and, as the SDKs tell, which attempt it is."""

    method: str
    path: str
    authorization: str | None = field(repr=False)
    client_address: str | None
    body: bytes = field(repr=False)
    request_id: str = ""
    retry_count: int = 0


class Checker:
    """Decides. `clock` gives the time of day, against which keys expire.

    What `record` has returned for is usage; where it raises, the request does not pass.

    A key whose end is nearer than `expires_notice` has it told with each verdict.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        counter: TokenCounter,
        charger: Charger,
        record: Record,
        clock: Callable[[], datetime],
        expires_notice: timedelta,
    ) -> None:
        self._authenticator = authenticator
        self._counter = counter
        self._charger = charger
        self._record = record
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
        try:
            verdict = await self._judge_holder(holder, question)
        except UndecidedError as undecided:
            undecided.account_id, undecided.key_id = holder.account.id, holder.key.id
            raise
        if isinstance(verdict, Denied):
            verdict = replace(verdict, account_id=holder.account.id, key_id=holder.key.id)
        if self._ends_soon(holder.key, now):
            return replace(verdict, key_expires_at=holder.key.expires_at)
        return verdict

    def _ends_soon(self, key: Key, now: datetime) -> bool:
        return key.expires_at is not None and key.expires_at - now <= self._expires_notice

    async def _judge_holder(self, holder: Holder, question: Question) -> Verdict:
        call = find_call(question.method, question.path)
        if call is None:
            return Denied(Reason.UNKNOWN_URL, errors.unknown_url())
        if (denied := check_endpoint(holder, call.endpoint)) is not None:
            return denied
        match call:
            case Call.LIST_MODELS | Call.REPORT_USAGE:
                # Clients list models when they start; it costs nothing and is not charged.
                return Allowed(holder.account.id, holder.key.id)
            case Call.EMBED:
                return await self._judge_embeddings(holder, question)
            case Call.COUNT:
                return await self._judge_count(holder, question)
            case _:
                assert_never(call)

    async def _judge_embeddings(self, holder: Holder, question: Question) -> Verdict:
        """Count, then charge: a request that is wrong in itself costs its sender nothing."""
        tokens = await self._counter.count(question.body, holder)
        if isinstance(tokens, Denied):
            return self._add_standing(tokens, holder)
        cost = Amounts(1, tokens)
        decision = await self._charger.charge(holder, cost)
        if isinstance(decision, Refused):
            return deny(decision, self._counter.model, holder)
        minute = self._write_down(question.request_id, holder, cost, decision.ticket)
        return Allowed(
            holder.account.id,
            holder.key.id,
            tokens,
            decision.standing,
            evidence=decision.evidence,
            minute=minute,
        )

    async def _judge_count(self, holder: Holder, question: Question) -> Verdict:
        """Charge a request without tokens, which is no usage: nothing will be embedded."""
        denied = await self._counter.check(question.body, holder)
        if denied is not None:
            return self._add_standing(denied, holder)
        decision = await self._charger.charge(holder, _COUNTING)
        if isinstance(decision, Refused):
            return deny(decision, self._counter.model, holder)
        return Allowed(
            holder.account.id,
            holder.key.id,
            standing=decision.standing,
            evidence=decision.evidence,
            month_left=self._charger.month_left(holder),
        )

    def _add_standing(self, denied: Denied, holder: Holder) -> Denied:
        if denied.error.status != HTTPStatus.BAD_REQUEST:
            return denied
        return replace(denied, standing=self._charger.standing(holder))

    def _write_down(self, request_id: str, holder: Holder, cost: Amounts, ticket: Ticket) -> int:
        """Write down what was charged, or undo it: what is not usage is not charged."""
        account_id, key_id = holder.account.id, holder.key.id
        try:
            return self._record(request_id, account_id, key_id, cost, ticket)
        except BaseException:
            self._charger.refund(account_id, key_id, ticket)
            raise
