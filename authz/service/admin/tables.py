"""What the services read and write, table by table; who gives them out says when it takes effect.

Every method raises `DatabaseError` where it cannot do its work.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from authz.domain.administration.audit import AuditEntry
from authz.domain.administration.audit_chain import Ending, Head
from authz.domain.administration.decisions import DecisionQuery, Position
from authz.domain.administration.mail import LeakMail
from authz.domain.administration.notice import Notice
from authz.domain.administration.records import (
    AccountRecord,
    KeyListStatus,
    KeyRecord,
    PepperRecord,
    ProcessRecord,
)
from authz.domain.decision import Decision
from authz.domain.directory import AccountId, AccountStatus, KeyId, PepperId, Tier
from authz.domain.new_key import NewKey
from authz.domain.rehash import Rehash
from authz.domain.reports.usage import Group, UsageQuery, UsageRow
from authz.domain.traffic import CountedMinute
from authz.service.admin.invoice_tables import BillingRows, InvoiceRows, PriceRows


class AccountRows(Protocol):
    """Accounts."""

    async def find(self, account_id: AccountId) -> AccountRecord | None:
        """Return the account of this id."""

    async def find_by_name(self, name: str) -> AccountRecord | None:
        """Return the account of this name."""

    async def list(
        self,
        *,
        search: str,
        tier: str,
        status: AccountStatus | None,
        after: str | None,
        limit: int,
    ) -> Sequence[AccountRecord]:
        """Return accounts by name, from the one after `after` on; never the canary's."""
        ...

    async def insert(self, account: AccountRecord) -> None:
        """Store a new account."""

    async def update(self, account: AccountRecord) -> None:
        """Store what can change about an account."""


class KeyRows(Protocol):
    """Keys."""

    async def find(self, key_id: KeyId) -> KeyRecord | None:
        """Return the key of this id."""

    async def find_by_digests(self, digests: Sequence[bytes]) -> KeyId | None:
        """Return which key has one of these digests; a text has at most one key."""

    async def chains(self) -> Sequence[tuple[PepperId, ...]]:
        """Return every chain of peppers that some key's digest was made under."""
        ...

    async def list(
        self,
        *,
        account_id: AccountId | None,
        status: KeyListStatus | None,
        environment: str,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[KeyRecord]:
        """Return keys, the newest first, from the one after `after` on; never the canary's."""
        ...

    async def insert(
        self,
        key_id: KeyId,
        account_id: AccountId,
        key: NewKey,
        at: datetime,
        replaces: KeyId | None = None,
    ) -> None:
        """Store a new key."""

    async def update(self, key: KeyRecord) -> None:
        """Store a key's name, environment, scopes, networks and limits."""

    async def replace(self, key_id: KeyId, by: KeyId, expires_at: datetime) -> None:
        """Note which key took this one's place, and until when this one lives on."""

    async def revoke(self, key_id: KeyId, at: datetime) -> None:
        """End a key for ever; one that is over already stays as it is."""

    async def delete_of(self, account_id: AccountId) -> None:
        """Remove an account's keys without a trace: for keys that were never anybody's."""


class TierRows(Protocol):
    """Tiers."""

    async def find(self, name: str) -> Tier | None:
        """Return the tier of this name."""

    async def list(self) -> Sequence[Tier]:
        """Return every tier, by name."""
        ...

    async def upsert(self, tier: Tier) -> None:
        """Store a tier, whether it is new or not."""


class PepperRows(Protocol):
    """Peppers by their names, and the keys that need them."""

    async def list(self) -> Sequence[PepperRecord]:
        """Return every pepper that was ever current, the oldest first, without its keys."""
        ...

    async def current(self) -> PepperId | None:
        """Return the pepper that new keys are made under; nothing where none was ever made."""

    async def make_current(self, pepper_id: PepperId, at: datetime) -> None:
        """Make a pepper the one for new keys, and the one before it a previous one."""

    async def retire(self, pepper_id: PepperId, at: datetime) -> None:
        """Note that a pepper is needed no more."""

    async def count_working_keys(self) -> Mapping[tuple[PepperId, ...], int]:
        """Return how many keys work, by the chain of peppers that each needs."""
        ...

    async def count_unwrapped(self, pepper_id: PepperId) -> int:
        """Return how many keys' digests were not last made under this pepper."""
        ...

    async def read_unwrapped(
        self, pepper_id: PepperId, after: KeyId, limit: int
    ) -> Sequence[tuple[KeyId, bytes]]:
        """Return digests that were not last made under this pepper, of keys after `after`."""
        ...

    async def wrap(self, digests: Mapping[KeyId, bytes], pepper_id: PepperId) -> None:
        """Store digests that were wrapped under one more pepper."""

    async def revoke_expired(self, pepper_id: PepperId, at: datetime) -> int:
        """Revoke the keys that need a pepper and have expired; return how many."""
        ...


class RehashRows(Protocol):
    """Digests that the data plane proposes for wrapped keys."""

    async def read(self, limit: int) -> Sequence[tuple[Rehash, tuple[PepperId, ...]]]:
        """Return proposals, each with the chain that its key's digest was made under."""
        ...

    async def apply(self, digests: Mapping[KeyId, bytes], pepper_id: PepperId) -> int:
        """Give keys digests under one pepper alone, but none that another has; count them."""
        ...

    async def delete(self, key_ids: Iterable[KeyId]) -> None:
        """Forget proposals."""


class NoticeRows(Protocol):
    """Mails that are still to be sent."""

    async def insert(self, mail: LeakMail) -> None:
        """Leave a mail to be sent."""

    async def claim(self, attempts_max: int) -> Notice | None:
        """Take a mail whose time has come; nobody else is given it for a minute or more.

        Each attempt that is not followed by `delete` doubles the wait for the next.
        """

    async def delete(self, notice_id: UUID) -> None:
        """Forget a mail that was sent."""


class ProcessRows(Protocol):
    """What processes tell of themselves."""

    async def list_unfenced(self, margin: timedelta) -> Sequence[ProcessRecord]:
        """Return, by name, those that may still answer.

        By the database's clock, and `margin` after its own last moment, a process without news
        certainly refuses everything.
        """
        ...

    async def prune(self, fenced_for: timedelta) -> int:
        """Forget processes that were fenced this long ago; return how many."""
        ...


class QuotaRows(Protocol):
    """What budgets have spent."""

    async def prune(self, limit: int) -> int:
        """Forget up to `limit` budgets that nobody uses any more; return how many."""
        ...


class ChangeRows(Protocol):
    """What was changed in the directory."""

    async def newest_number(self) -> int:
        """Return the number of the last change that there is."""
        ...

    async def prune(self, older_than: timedelta, limit: int) -> int:
        """Forget up to `limit` old changes, but never the newest; return how many."""
        ...


class AuditRows(Protocol):
    """The audit, for reading; only a change adds to it."""

    async def find(self, request_id: UUID) -> AuditEntry | None:
        """Return the entry of the change that a request made."""

    async def list(
        self, *, subject: str, actor: str, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return entries, the newest first, from the one before number `before` on."""
        ...

    async def read_on(self, after: int | None, up_to: int, limit: int) -> Sequence[AuditEntry]:
        """Return entries in order, from the first, or the one after number `after`, on."""
        ...

    async def read_ending(self, remembered: Head | None) -> Ending:
        """Return the end of the chain, all of it at one moment."""
        ...


class UsageRows(Protocol):
    """What was used."""

    async def read(self, query: UsageQuery, after: Group | None, limit: int) -> Sequence[UsageRow]:
        """Return rows by bucket, then group, from the one after `after` on.

        `after` is a group of the first bucket.
        """
        ...

    async def name_accounts(self, ids: Collection[AccountId]) -> Mapping[AccountId, str]:
        """Return the names of accounts."""
        ...

    async def name_keys(self, ids: Collection[KeyId]) -> Mapping[KeyId, str]:
        """Return the names of keys."""
        ...

    async def make_partitions(self) -> None:
        """Make room for what will be used in the time to come."""

    async def drop_partitions(self) -> None:
        """Forget minutes that are too old."""


class TrafficRows(Protocol):
    """The counts of the same traffic: by authz, the access log and the adapter."""

    async def time(self) -> datetime:
        """Return the time that it is."""
        ...

    async def count(self, minutes: Sequence[datetime]) -> Sequence[CountedMinute]:
        """Return what is known of each of these minutes, in order; zeros where nothing was."""
        ...


class DecisionRows(Protocol):
    """Why requests were refused."""

    async def find(self, request_id: str) -> Decision | None:
        """Return what was decided about a request."""

    async def list(
        self, query: DecisionQuery, after: Position | None, limit: int
    ) -> Sequence[Decision]:
        """Return decisions, the newest first, from the one after `after` on."""
        ...

    async def make_partitions(self) -> None:
        """Make room for what will be decided in the days to come."""

    async def drop_partitions(self) -> None:
        """Forget what is too old."""


class Tables(Protocol):
    """All of them."""

    @property
    def accounts(self) -> AccountRows: ...  # noqa: D102 the types say it
    @property
    def audit(self) -> AuditRows: ...  # noqa: D102
    @property
    def billing(self) -> BillingRows: ...  # noqa: D102
    @property
    def changes(self) -> ChangeRows: ...  # noqa: D102
    @property
    def decisions(self) -> DecisionRows: ...  # noqa: D102
    @property
    def invoices(self) -> InvoiceRows: ...  # noqa: D102
    @property
    def keys(self) -> KeyRows: ...  # noqa: D102
    @property
    def notices(self) -> NoticeRows: ...  # noqa: D102
    @property
    def peppers(self) -> PepperRows: ...  # noqa: D102
    @property
    def prices(self) -> PriceRows: ...  # noqa: D102
    @property
    def processes(self) -> ProcessRows: ...  # noqa: D102
    @property
    def quotas(self) -> QuotaRows: ...  # noqa: D102
    @property
    def rehashes(self) -> RehashRows: ...  # noqa: D102
    @property
    def tiers(self) -> TierRows: ...  # noqa: D102
    @property
    def traffic(self) -> TrafficRows: ...  # noqa: D102
    @property
    def usage(self) -> UsageRows: ...  # noqa: D102

    async def lock(self) -> datetime:
        """Wait until nobody else changes the directory; return the time at which it is so.

        The lock is the transaction's, and the time the database's.
        """
        ...
