"""What has to be done beside the calls: old rows forgotten, proposals applied, warnings sent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from authz.domain.undecided import DatabaseError
from authz.service.admin.acknowledgements import FENCE_MARGIN
from authz.service.admin.apply_rehashes import RehashApplier
from authz.service.admin.ports import Database
from authz.service.admin.send_notices import NoticeSender
from authz.service.admin.usage_partitions import UsagePartitions

_CHANGES_KEPT: Final = timedelta(days=7)
"""Whoever was away for longer reads everything anew."""
_FENCED_KEPT: Final = timedelta(hours=1)
_PRUNED_AT_ONCE: Final = 10_000

_log = structlog.get_logger()


class Housekeeping:
    """Any number of processes may keep house at once; `jitter` returns a factor around 1."""

    def __init__(
        self,
        database: Database,
        rehashes: RehashApplier,
        notices: NoticeSender,
        partitions: UsagePartitions,
        jitter: Callable[[], float],
        interval_seconds: float = 5.0,
        prune_interval_seconds: float = 60.0,
        partitions_interval_seconds: float = 600.0,
    ) -> None:
        self._database = database
        self._rehashes = rehashes
        self._notices = notices
        self._partitions = partitions
        self._jitter = jitter
        self._interval_seconds = interval_seconds
        self._prune_interval_seconds = prune_interval_seconds
        self._partitions_interval_seconds = partitions_interval_seconds

    async def run(self) -> None:
        """Keep house until cancelled, each task by itself: a slow mail server delays only mails."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.prune, self._prune_interval_seconds))
            group.create_task(self._repeat(self._rehashes.apply, self._interval_seconds))
            group.create_task(self._repeat(self._notices.send, self._interval_seconds))
            group.create_task(
                self._repeat(self._partitions.keep, self._partitions_interval_seconds)
            )

    async def prune(self) -> None:
        """Forget old changes, dead processes and unused budgets. Raises `DatabaseError`."""
        async with self._database.session() as tables:
            await tables.processes.prune(FENCE_MARGIN + _FENCED_KEPT)
            while await tables.changes.prune(_CHANGES_KEPT, _PRUNED_AT_ONCE) == _PRUNED_AT_ONCE:
                pass
            while await tables.quotas.prune(_PRUNED_AT_ONCE) == _PRUNED_AT_ONCE:
                pass

    async def _repeat(self, task: Callable[[], Awaitable[None]], interval_seconds: float) -> None:
        while True:
            try:
                await task()
            except DatabaseError as error:
                _log.warning("housekeeping.failed", failure=str(error))
            await asyncio.sleep(interval_seconds * self._jitter())
