"""Stand-ins for what is outside, and short ways to make values."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from authz.domain.directory import (
    Account,
    AccountId,
    AccountStatus,
    BadDirectoryError,
    Endpoint,
    Key,
    KeyId,
    KeyStatus,
    PepperId,
    Tier,
)
from authz.domain.packed_directory import Directory
from authz.domain.pepper import Pepper
from authz.domain.process import Process, ReplacedError
from authz.domain.quota import ledger as ledgers
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.quota import Limits, fresh
from authz.domain.snapshot import Snapshot
from authz.domain.undecided import DatabaseError, LedgerLearningError
from authz.service.current_directory import CurrentDirectory
from contract.keys import mint_key

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)

TIER: Final = Tier(
    name="standard",
    requests_per_minute=60,
    tokens_per_minute=1000,
    tokens_per_month=1000,
    items_max=4,
    endpoints=frozenset(Endpoint),
    models=frozenset("*"),
)
LIMITS: Final = Limits(TIER.requests_per_minute, TIER.tokens_per_minute, TIER.tokens_per_month)
ACCOUNT: Final = Account(AccountId(UUID(int=1)), "acme", "standard", AccountStatus.ACTIVE)


def key_text(number: int = 0) -> str:
    """Return a well-formed key; another for each number."""
    return mint_key(lambda size: number % size)


def make_key(pepper: Pepper, text: str, expires_at: datetime | None = None) -> Key:
    """Return an active key of `ACCOUNT` with every scope."""
    return Key(
        id=KeyId(uuid4()),
        account_id=ACCOUNT.id,
        digest=pepper.digest_key(text),
        peppers=(PepperId(pepper.id),),
        status=KeyStatus.ACTIVE,
        scopes=frozenset(Endpoint),
        networks=(),
        expires_at=expires_at,
    )


def make_directory(
    *keys: Key, number: int = 1, account: Account = ACCOUNT, tier: Tier = TIER
) -> Directory:
    """Return a directory of one account on one tier."""
    return Directory.build(
        number,
        {tier.name: tier},
        {account.id: replace(account, tier=tier.name)},
        {key.id: key for key in keys},
    )


def make_process(name: str = "here") -> Process:
    """Return a process of its own."""
    return Process(name, uuid4(), timedelta(seconds=300))


def contents(directory: Directory) -> tuple[object, ...]:
    """Return all that a directory holds, to be compared."""
    accounts = {account.id: account for account in directory.accounts}
    keys = {key.id: key for key in directory.every_key()}
    return directory.number, directory.tiers, accounts, keys


def make_current(directory: Directory | None = None) -> CurrentDirectory:
    """Return a fresh current directory by a clock that stands still."""
    current = CurrentDirectory(300, ManualClock())
    if directory is not None:
        current.adopt(directory)
        current.confirm(current.now())
    return current


@dataclass(slots=True)
class ManualClock:
    """A clock that moves when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return what was set."""
        return self.now


class FakeLedger:
    """The ledger in memory, by a clock of the test's; every budget has `limits`."""

    def __init__(self, clock: ManualClock, limits: Limits = LIMITS) -> None:
        self._clock = clock
        self.limits = limits
        self.limits_of: dict[UUID, Limits | None] = {}
        """Of budgets that have others; where there is nothing, the ledger knows of no such one."""
        self.ledgers: dict[UUID, Ledger] = {}
        self.batches: list[list[tuple[BudgetId, Ask]]] = []
        """What was asked, a statement each."""
        self.is_down = False
        self.is_learning = False
        self.bugs: list[Exception] = []
        """What the next answers come to."""
        self.processes = 1
        self.gate: asyncio.Event | None = None
        """Where set, statements wait for it."""
        self.thaw: asyncio.Event | None = None
        """Where set, everything does, probes as well."""

    @property
    def now(self) -> int:
        """The ledger's time: another than the process's."""
        return 1_700_000_000_000_000 + round(self._clock.now * 1_000_000)

    async def answer(self, asks: Sequence[tuple[BudgetId, Ask]]) -> Sequence[Answer | None]:
        """Answer, by the arithmetic that is the real ledger's too."""
        self.batches.append(list(asks))
        if self.gate is not None:
            await self.gate.wait()
        await self.ping()
        if self.bugs:
            raise self.bugs.pop(0)
        return [self._answer(budget_id, ask) for budget_id, ask in asks]

    def _answer(self, budget_id: BudgetId, ask: Ask) -> Answer | None:
        limits = self.limits_of.get(budget_id, self.limits)
        if limits is None:
            return None
        ledger = self.ledgers.get(budget_id) or Ledger(fresh(limits, self.now))
        self.ledgers[budget_id], answer = ledgers.answer(
            ledger, ask, limits, LeaseRules(), self.now
        )
        return answer

    async def count_processes(self) -> int:
        """Return what was set."""
        await self.ping()
        return self.processes

    async def ping(self) -> None:
        """Fail while it is down."""
        await asyncio.sleep(0)
        if self.thaw is not None:
            await self.thaw.wait()
        if self.is_down:
            raise DatabaseError("down")
        if self.is_learning:
            raise LedgerLearningError("learning")


@dataclass(slots=True)
class FakeFeed:
    """A feed in memory: what is put into `state` is what sessions read."""

    state: Directory | BadDirectoryError | DatabaseError
    opened: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[int] = field(default_factory=list)
    """What was told, in order."""
    on_tell: Callable[[int], Awaitable[None]] | None = None
    """Where set, done before what is told is heard."""
    is_replaced: bool = False
    has_left: bool = False
    is_cut_off_when_left: bool = False
    """Whether the row goes, and nobody hears that it did."""
    newest: int | None = None
    """The newest change's number, where it is another than what can be read."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeFeed"]:
        """Return a session: the feed itself."""
        self.opened += 1
        if isinstance(self.state, DatabaseError):
            raise self.state
        yield self

    @asynccontextmanager
    async def depart(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Fail where the database is away."""
        if isinstance(self.state, DatabaseError):
            raise self.state
        yield self._leave

    async def _leave(self) -> None:
        self.has_left = True
        if self.is_cut_off_when_left:
            raise DatabaseError("cut off")

    async def tell(self, number: int) -> int:
        """Take note."""
        await asyncio.sleep(0)
        if self.on_tell is not None:
            await self.on_tell(number)
        if self.is_replaced:
            raise ReplacedError("another runs here")
        self.told.append(number)
        if self.newest is not None:
            return self.newest
        return self.state.number if isinstance(self.state, Directory) else 10**6

    async def wait(self, seconds: float) -> bool:
        """Return when `heard` is set, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.heard.wait()
        except TimeoutError:
            return False
        return True

    async def read(self, known: Directory | None) -> Directory:
        """Return or raise the state."""
        await asyncio.sleep(0)
        self.heard.clear()
        if not isinstance(self.state, Directory):
            raise self.state
        if known is not None and known.number == self.state.number:
            return known
        return self.state


class FakeStore:
    """A disk in memory, which keeps a state or fails."""

    def __init__(self, kept: Snapshot | None = None) -> None:
        self.kept = kept
        self.error: OSError | None = None
        self.is_stuck = False
        """Whether what is kept cannot even be withdrawn."""

    def read(self) -> Snapshot | None:
        """Return what is kept."""
        return self.kept

    def write(self, snapshot: Snapshot) -> None:
        """Keep it, or fail."""
        if self.error is not None:
            raise self.error
        self.kept = snapshot

    def withdraw(self) -> None:
        """Keep nothing, or fail."""
        if self.is_stuck:
            raise OSError(errno.EROFS, "Read-only file system")
        self.kept = None

    def compact(self) -> None:
        """Do nothing: there is nothing to free."""
