"""A checker with all that it asks, over a ledger in memory."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from authz.domain.directory import Account, AccountId, Endpoint, KeyId, Tier
from authz.domain.pepper import Pepper
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.quota import Limits
from authz.domain.undecided import UsageUnavailableError
from authz.domain.verdict import Allowed, Denied, Reason
from authz.service.check import Checker, Question
from authz.service.count_tokens import TokenCounter
from authz.service.quota.decision import Ticket
from contract.tokens import RequestTokenizer
from tests.authz.authenticators import make_authenticator
from tests.authz.charger.parts import Parts
from tests.authz.doubles import ACCOUNT, NOW, TIER, key_text, make_current, make_directory, make_key

KEY: Final = key_text()
MODEL: Final = "Qwen/Qwen3-Embedding-8B"


class Desk:
    """Requests with one key, and what was decided, charged and recorded."""

    def __init__(
        self,
        pepper: Pepper,
        tokenizer: RequestTokenizer,
        tier: Tier = TIER,
        account: Account = ACCOUNT,
        scopes: frozenset[Endpoint] = frozenset(Endpoint),
        expires_at: datetime | None = None,
        inline_bytes: int = 4096,
        queue_bytes_max: int = 1000,
    ) -> None:
        limits = Limits(tier.requests_per_minute, tier.tokens_per_minute, tier.tokens_per_month)
        self.charging = Parts(limits)
        self.recorded: list[tuple[str, Amounts, Ticket]] = []
        self.is_disk_full = False
        key = replace(make_key(pepper, KEY, expires_at), scopes=scopes)
        self.key_id = key.id
        self.current = make_current(make_directory(key, tier=tier, account=account))
        counter = TokenCounter(tokenizer, inline_bytes, queue_bytes_max)
        self.checker = Checker(
            make_authenticator(self.current),
            counter,
            self.charging.charger,
            self._record,
            lambda: NOW,
            timedelta(days=30),
        )

    @property
    def asked(self) -> int:
        """How many statements were sent."""
        return self.charging.statements

    def _record(
        self, request_id: str, account_id: AccountId, key_id: KeyId, cost: Amounts, ticket: Ticket
    ) -> int:
        assert account_id == ACCOUNT.id
        assert key_id == self.key_id
        if self.is_disk_full:
            raise UsageUnavailableError
        self.recorded.append((request_id, cost, ticket))
        return 29

    async def embed(self, fields: Mapping[str, object]) -> Allowed | Denied:
        """Ask for embeddings."""
        return await self.post(json.dumps({"model": MODEL, "input": "hello", **fields}).encode())

    async def post(self, body: bytes) -> Allowed | Denied:
        """Send a body."""
        question = Question("POST", "/v1/embeddings", f"Bearer {KEY}", None, body, "req_1")
        return await self.checker.judge(question)

    async def count(self, fields: Mapping[str, object]) -> Allowed | Denied:
        """Ask how many tokens a request has."""
        body = json.dumps({"model": MODEL, "input": "hello", **fields}).encode()
        question = Question("POST", "/v1/embeddings/count", f"Bearer {KEY}", None, body, "req_1")
        return await self.checker.judge(question)

    async def list_models(self) -> Allowed | Denied:
        """Ask for the models."""
        return await self.checker.judge(Question("GET", "/v1/models", f"Bearer {KEY}", None, b""))


def refusal(verdict: Allowed | Denied) -> tuple[Reason, int]:
    """Return why a request was refused, and with which status."""
    assert isinstance(verdict, Denied)
    return verdict.reason, verdict.error.status
