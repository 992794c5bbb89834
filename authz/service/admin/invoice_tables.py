"""What the services of prices and invoices read and write; see `authz.service.admin.tables`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from authz.domain.administration.billing import Billed, Tenure
from authz.domain.administration.invoice import Invoice, InvoiceNumber
from authz.domain.administration.month import Month
from authz.domain.administration.price import Price
from authz.domain.directory import AccountId
from contract.money import Money


class PriceRows(Protocol):
    """Prices. None is ever changed."""

    async def find(self, tier: str, valid_from: Month) -> Price | None:
        """Return the price that was set for a tier from exactly this month on."""

    async def list(self, tier: str) -> Sequence[Price]:
        """Return the prices of a tier, or of all where it is empty; each tier's newest first."""
        ...

    async def in_force(self, month: Month) -> Mapping[str, Price]:
        """Return what each tier costs in a month; one without a price is left out."""
        ...

    async def insert(self, price: Price) -> None:
        """Store a new price."""


class BillingRows(Protocol):
    """What drafts are computed from."""

    async def time(self) -> datetime:
        """Return the database's time."""
        ...

    async def list_unfinished(
        self, month: Month, after: str | None, limit: int
    ) -> Sequence[AccountId]:
        """Return accounts whose invoice of a month is not finished, by name; not the canary's."""
        ...

    async def read_tenures(
        self, account_ids: Sequence[AccountId], month: Month
    ) -> Sequence[Tenure]:
        """Return accounts in a month, by name; without those that were made after it."""
        ...

    async def read_usage(
        self, account_ids: Sequence[AccountId], first: Month, last: Month
    ) -> Mapping[tuple[AccountId, Month], int]:
        """Return the tokens that accounts used in each of these months, refunds taken off."""
        ...

    async def read_billed(
        self, account_ids: Sequence[AccountId], first: Month, last: Month
    ) -> Sequence[Billed]:
        """Return what was billed of these months to accounts, in order."""
        ...

    async def find_totals(
        self, account_ids: Sequence[AccountId], month: Month
    ) -> Mapping[AccountId, Money]:
        """Return the totals of a month's finished invoices, without corrections."""
        ...


class InvoiceRows(Protocol):
    """Finished invoices. None is ever changed."""

    async def find(self, number: InvoiceNumber) -> Invoice | None:
        """Return the invoice of this number."""

    async def list(
        self,
        *,
        account_id: AccountId | None,
        month: Month | None,
        before: tuple[int, int] | None,
        limit: int,
    ) -> Sequence[Invoice]:
        """Return invoices, the newest first, from the one before a year's n-th on."""
        ...

    async def list_corrections(self, number: InvoiceNumber) -> Sequence[Invoice]:
        """Return what corrects an invoice, the oldest first."""
        ...

    async def list_made_by(self, request_id: UUID) -> Sequence[Invoice]:
        """Return what a request finished, in order."""
        ...

    async def find_month(self, account_id: AccountId, month: Month) -> InvoiceNumber | None:
        """Return the number of an account's invoice of a month, where it is finished."""

    async def newest_month(self, tier: str) -> Month | None:
        """Return the newest month that was billed by a tier."""

    async def next_number(self, year: int) -> InvoiceNumber:
        """Return the number that the next document of a year has."""
        ...

    async def insert(self, invoice: Invoice, request_id: UUID) -> None:
        """Store a finished invoice with its lines, all of it in one transaction."""
