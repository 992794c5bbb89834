"""The table `quotas`, which the processes that answer checks write."""

from typing import Final

from authz.storage.admin.connection import Connection


class QuotaRows:
    """What budgets have spent, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def prune(self, limit: int) -> int:
        """Forget up to `limit` budgets that nobody uses any more; return how many."""
        pruned: int = await self._connection.fetchval(_PRUNE, limit)
        return pruned


_PRUNE: Final = "SELECT prune_quotas($1)"
