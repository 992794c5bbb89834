"""A key of our own, issued and revoked again and again: how fast a revocation is, measured."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.records import AccountRecord
from authz.domain.administration.refusals import RefusedError
from authz.domain.directory import AccountId, AccountStatus, KeyId
from authz.domain.undecided import DatabaseError
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.metrics import CanaryMetrics
from authz.service.admin.mint import KeyTerms, Mint
from authz.service.admin.ports import Database

_TERMS: Final = KeyTerms("canary", "canary")
_PATIENCE: Final = timedelta(minutes=5)

_log = structlog.get_logger()


class Canary:
    """Sings every `interval_seconds`, in one admin process at a time.

    None of it is audited: the account and its keys are nobody's, no text of theirs is ever kept,
    and each minute's entries would bury those that people look for. `jitter` returns a factor
    around 1; `clock` never jumps.
    """

    def __init__(
        self,
        database: Database,
        mint: Mint,
        acknowledgements: Acknowledgements,
        metrics: CanaryMetrics,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        interval_seconds: float = 60.0,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._database = database
        self._mint = mint
        self._acknowledgements = acknowledgements
        self._metrics = metrics
        self._clock = clock
        self._jitter = jitter
        self._interval_seconds = interval_seconds
        self._patience = patience

    async def run(self) -> None:
        """Sing until cancelled; another process takes over when this one ends."""
        while True:
            try:
                async with self._database.alone("canary"):
                    while True:
                        await self.sing()
                        await self._pause()
            except (DatabaseError, RefusedError) as error:
                # Where another process sings, this is so all the time.
                _log.info("canary.silent", why=str(error))
            await self._pause()

    async def sing(self) -> None:
        """Issue a key, wait until it is known everywhere, revoke it, and measure.

        Raises:
            RefusedError: no key can be made.
            DatabaseError: PostgreSQL failed; what is left behind is removed the next time.
        """
        key_id = KeyId(uuid4())
        account_id, number = await self._issue(key_id)
        # A key that is not yet known cannot show how fast it is forgotten.
        if await self._is_applied(number):
            await self._measure(key_id)
        async with self._database.maintenance() as tables:
            await tables.lock()
            await tables.keys.delete_of(account_id)

    async def _measure(self, key_id: KeyId) -> None:
        number = await self._revoke(key_id)
        revoked_at = self._clock()
        if await self._is_applied(number):
            self._metrics.seconds.observe(self._clock() - revoked_at)

    async def _issue(self, key_id: KeyId) -> tuple[AccountId, int]:
        async with self._database.maintenance() as tables:
            at = await tables.lock()
            account = await tables.accounts.find_by_name(CANARY_ACCOUNT)
            if account is None:
                tier = (await tables.tiers.list())[0].name
                account = AccountRecord(
                    AccountId(uuid4()), CANARY_ACCOUNT, None, tier, AccountStatus.ACTIVE, at
                )
                await tables.accounts.insert(account)
            await tables.keys.delete_of(account.id)  # what a process that was killed left behind
            key = await self._mint.describe(tables, at, self._mint.make_text(), _TERMS)
            await tables.keys.insert(key_id, account.id, key, at)
            return account.id, await tables.changes.newest_number()

    async def _revoke(self, key_id: KeyId) -> int:
        async with self._database.maintenance() as tables:
            at = await tables.lock()
            await tables.keys.revoke(key_id, at)
            return await tables.changes.newest_number()

    async def _is_applied(self, number: int) -> bool:
        laggards = await self._acknowledgements.wait(number, self._patience)
        if laggards:
            self._metrics.timeouts.inc()
            _log.error("canary.unheard", laggards=[process.name for process in laggards])
        return not laggards

    async def _pause(self) -> None:
        await asyncio.sleep(self._interval_seconds * self._jitter())
