"""The control plane's services on a real database, without its RPCs."""

import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
from prometheus_client import CollectorRegistry

from authz.domain.administration.actor import Actor, ChangeRequest, Role
from authz.domain.pepper import Peppers
from authz.service.admin.account_creation import AccountCreation
from authz.service.admin.accounts import Accounts
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.apply_rehashes import RehashApplier
from authz.service.admin.audit import Audit
from authz.service.admin.canary import Canary
from authz.service.admin.decisions import Decisions
from authz.service.admin.housekeeping import Housekeeping
from authz.service.admin.keys import Keys
from authz.service.admin.leaked_keys import LeakedKeys
from authz.service.admin.metrics import CanaryMetrics, HousekeepingMetrics, ReconciliationMetrics
from authz.service.admin.mint import Mint
from authz.service.admin.pepper_rotation import PepperRotation
from authz.service.admin.reconciliation import Reconciliation
from authz.service.admin.send_notices import NoticeSender
from authz.service.admin.tiers import Tiers
from authz.service.admin.usage import Usage
from authz.service.admin.usage_partitions import UsagePartitions
from authz.service.admin.welcome_mails import WelcomeMails
from authz.storage.admin.database import Database
from authz.storage.admin.head_file import HeadFile
from authz.storage.admin.pool import open_pool
from tests.authz.mail.doubles import FakeMailer

ACTOR: Final = Actor("ada", Role.OWNER, "192.0.2.7")


@dataclass(slots=True)
class KnownPeppers:
    """The peppers that a process knows, as long as nobody gives it others."""

    peppers: Peppers

    def __call__(self) -> Peppers:
        """Return them."""
        return self.peppers


@dataclass(frozen=True, slots=True)
class Administration:
    """All services of one admin process."""

    pool: asyncpg.Pool
    database: Database
    peppers: KnownPeppers
    mint: Mint
    creation: AccountCreation
    accounts: Accounts
    keys: Keys
    tiers: Tiers
    audit: Audit
    acknowledgements: Acknowledgements
    rotation: PepperRotation
    registry: CollectorRegistry
    canary: Canary
    rehashes: RehashApplier
    notices: NoticeSender
    housekeeping: Housekeeping
    usage: Usage
    partitions: UsagePartitions
    decisions: Decisions
    reconciliation: Reconciliation


@asynccontextmanager
async def administration(
    url: str, peppers: Peppers, head_file: Path, mailer: FakeMailer | None = None
) -> AsyncIterator[Administration]:
    """Put the services together, as an admin process does; every step is small."""
    known = KnownPeppers(peppers)
    mailer = mailer or FakeMailer()
    registry = CollectorRegistry()
    async with open_pool(url) as pool:
        database = Database(pool, known, HeadFile(head_file))
        mint = Mint(known, secrets.randbelow)
        creation = AccountCreation(database, mint, WelcomeMails(mailer, 2, 5.0))
        acknowledgements = Acknowledgements(database, time.monotonic)
        metrics = HousekeepingMetrics(registry)
        rehashes = RehashApplier(database, known, metrics)
        notices = NoticeSender(database, mailer, metrics, attempts_max=3, timeout_seconds=5.0)
        partitions = UsagePartitions(database, metrics)
        yield Administration(
            pool,
            database,
            known,
            mint,
            creation,
            Accounts(database, creation),
            Keys(database, mint, LeakedKeys(database, known)),
            Tiers(database),
            Audit(database, known, step=3),
            acknowledgements,
            PepperRotation(database, known, batch=4),
            registry,
            _make_canary(database, mint, acknowledgements, registry),
            rehashes,
            notices,
            Housekeeping(
                database,
                rehashes,
                notices,
                partitions,
                lambda: 1.0,
                0.01,
                0.01,
            ),
            Usage(database),
            partitions,
            Decisions(database),
            _make_reconciliation(database, registry),
        )


def _make_reconciliation(database: Database, registry: CollectorRegistry) -> Reconciliation:
    metrics = ReconciliationMetrics(registry)
    return Reconciliation(database, metrics, timedelta(minutes=3), lambda: 1.0, 0.01)


def _make_canary(
    database: Database, mint: Mint, acknowledgements: Acknowledgements, registry: CollectorRegistry
) -> Canary:
    return Canary(
        database,
        mint,
        acknowledgements,
        CanaryMetrics(registry),
        time.monotonic,
        lambda: 1.0,
        interval_seconds=0.01,
        patience=timedelta(seconds=0.2),
    )


def ask(method: str = "Test", *, id: UUID | None = None, content: str = "") -> ChangeRequest:  # noqa: A002 the field's name
    """Return a request of `ACTOR`; with the same content it is the same request."""
    return ChangeRequest(ACTOR, method, id or uuid4(), hashlib.sha256(content.encode()).digest())
