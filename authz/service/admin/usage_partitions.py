"""Keeps room for what will be used, and forgets what is too old."""

from authz.domain.undecided import DatabaseError
from authz.service.admin.metrics import HousekeepingMetrics
from authz.service.admin.ports import Database


class UsagePartitions:
    """Any number of processes may do so at once."""

    def __init__(self, database: Database, metrics: HousekeepingMetrics) -> None:
        self._database = database
        self._metrics = metrics

    async def keep(self) -> None:
        """Make what is missing, then drop what is over. Raises `DatabaseError`."""
        try:
            async with self._database.session() as tables:
                # First all that somebody will need: to drop a busy table's may fail each time.
                for rows in (tables.usage, tables.decisions):
                    await rows.make_partitions()
                for rows in (tables.usage, tables.decisions):
                    await rows.drop_partitions()
        except DatabaseError:
            self._metrics.partitions_failed.inc()
            raise
