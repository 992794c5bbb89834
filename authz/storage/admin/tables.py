"""All tables, as one connection sees them."""

from datetime import datetime
from typing import Final

from authz.storage.admin.account_rows import AccountRows
from authz.storage.admin.audit_rows import AuditRows
from authz.storage.admin.billing_rows import BillingRows
from authz.storage.admin.change_rows import ChangeRows
from authz.storage.admin.connection import Connection
from authz.storage.admin.decision_rows import DecisionRows
from authz.storage.admin.invoice_rows import InvoiceRows
from authz.storage.admin.key_rows import KeyRows
from authz.storage.admin.notice_rows import NoticeRows
from authz.storage.admin.pepper_rows import PepperRows
from authz.storage.admin.price_rows import PriceRows
from authz.storage.admin.process_rows import ProcessRows
from authz.storage.admin.quota_rows import QuotaRows
from authz.storage.admin.rehash_rows import RehashRows
from authz.storage.admin.tier_rows import TierRows
from authz.storage.admin.traffic_rows import TrafficRows
from authz.storage.admin.usage_rows import UsageRows


class Tables:
    """What is in each table, for reading and for writing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.accounts: Final = AccountRows(connection)
        self.audit: Final = AuditRows(connection)
        self.billing: Final = BillingRows(connection)
        self.changes: Final = ChangeRows(connection)
        self.decisions: Final = DecisionRows(connection)
        self.invoices: Final = InvoiceRows(connection)
        self.keys: Final = KeyRows(connection)
        self.notices: Final = NoticeRows(connection)
        self.peppers: Final = PepperRows(connection)
        self.prices: Final = PriceRows(connection)
        self.processes: Final = ProcessRows(connection)
        self.quotas: Final = QuotaRows(connection)
        self.rehashes: Final = RehashRows(connection)
        self.tiers: Final = TierRows(connection)
        self.traffic: Final = TrafficRows(connection)
        self.usage: Final = UsageRows(connection)

    async def lock(self) -> datetime:
        """Wait until nobody else changes the directory; return the time at which it is so.

        The lock is the transaction's, and the time the database's.
        """
        await self._connection.execute(_LOCK)
        at: datetime = await self._connection.fetchval(_SELECT_TIME)
        return at


_LOCK: Final = "SELECT lock_directory()"

# By the transaction's own time, taken before the wait, changes would not be in order.
_SELECT_TIME: Final = "SELECT clock_timestamp()"
