"""Gives wrapped keys digests under one pepper, once their text was seen again."""

import hmac
from collections.abc import Callable
from typing import Final

import structlog

from authz.domain.directory import KeyId, PepperId
from authz.domain.pepper import Peppers
from authz.domain.rehash import Rehash
from authz.service.admin.metrics import HousekeepingMetrics
from authz.service.admin.ports import Database

_BATCH: Final = 500

_log = structlog.get_logger()


class RehashApplier:
    """Believes a proposal that proves it: only who has seen a key can know its inner digest."""

    def __init__(
        self, database: Database, peppers: Callable[[], Peppers], metrics: HousekeepingMetrics
    ) -> None:
        self._database = database
        self._peppers = peppers
        self._metrics = metrics

    async def apply(self) -> None:
        """Apply what was proposed, a batch at a time. Raises `DatabaseError`."""
        while await self._apply_batch():
            pass

    async def _apply_batch(self) -> bool:
        """Tell whether there may be more."""
        async with self._database.maintenance() as tables:
            await tables.lock()
            proposals = await tables.rehashes.read(_BATCH)
            if not proposals:
                return False
            current = await tables.peppers.current()
            proven: dict[bytes, KeyId] = {}
            for proposal, chain in proposals:
                if self._is_proven(proposal, chain) and proposal.pepper_id == current:
                    proven[proposal.digest] = proposal.key_id
                else:
                    _log.warning("rehash.refused", key=str(proposal.key_id))
                    self._metrics.rehashes_refused.inc()
            if current is not None:
                digests = {key_id: digest for digest, key_id in proven.items()}
                self._metrics.rehashes.inc(await tables.rehashes.apply(digests, current))
            await tables.rehashes.delete(proposal.key_id for proposal, _ in proposals)
        return len(proposals) == _BATCH

    def _is_proven(self, proposal: Rehash, chain: tuple[PepperId, ...]) -> bool:
        peppers = self._peppers()
        if len(chain) < 2 or chain[-1] not in peppers:
            return False
        return hmac.compare_digest(peppers.wrap(proposal.inner, chain[-1]), proposal.stored)
