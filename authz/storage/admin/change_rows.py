"""The table `changes`, whose rows the tables' own triggers write."""

from datetime import timedelta
from typing import Final

from authz.storage.admin.connection import Connection


class ChangeRows:
    """What was changed in the directory, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def newest_number(self) -> int:
        """Return the number of the last change that there is."""
        number: int = await self._connection.fetchval(_SELECT_NUMBER)
        return number

    async def prune(self, older_than: timedelta, limit: int) -> int:
        """Forget up to `limit` old changes, but never the newest; return how many."""
        status = await self._connection.execute(_PRUNE, older_than, limit)
        return int(status.rpartition(" ")[2])


_SELECT_NUMBER: Final = "SELECT coalesce(max(number), 0) FROM changes"

# By number, for numbers are indexed and grow with time. The newest is where the next one is from.
_PRUNE: Final = """
    DELETE FROM changes
     WHERE number IN (SELECT number FROM changes ORDER BY number LIMIT $2)
       AND number < (SELECT max(number) FROM changes)
       AND changed_at < clock_timestamp() - $1::interval
"""
