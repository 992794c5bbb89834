"""Puts the admin service together and runs it until it is told to stop."""

import asyncio
import random
import secrets
import signal
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from authz.domain.pepper import Peppers
from authz.domain.undecided import DatabaseError
from authz.mail.mailer import make_mailer
from authz.rpc.admin.call_log import CallLog
from authz.rpc.admin.certificates import CertificateFiles, Certificates
from authz.rpc.admin.gate import Gate
from authz.rpc.admin.server import AdminServer, SecureAddress
from authz.rpc.admin.services import Administration, make_services
from authz.rpc.scrape import ScrapeServer
from authz.service.admin.account_creation import AccountCreation
from authz.service.admin.accounts import Accounts
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.apply_rehashes import RehashApplier
from authz.service.admin.audit import Audit
from authz.service.admin.canary import Canary
from authz.service.admin.corrections import Corrections
from authz.service.admin.decisions import Decisions
from authz.service.admin.housekeeping import Housekeeping
from authz.service.admin.invoices import Invoices
from authz.service.admin.invoicing import Invoicing
from authz.service.admin.keys import Keys
from authz.service.admin.leaked_keys import LeakedKeys
from authz.service.admin.metrics import (
    CanaryMetrics,
    HousekeepingMetrics,
    ReconciliationMetrics,
)
from authz.service.admin.mint import Mint
from authz.service.admin.pepper_rotation import PepperRotation
from authz.service.admin.ports import Database, Mailer
from authz.service.admin.prices import Prices
from authz.service.admin.reconciliation import Reconciliation
from authz.service.admin.send_notices import NoticeSender
from authz.service.admin.tiers import Tiers
from authz.service.admin.usage import Usage
from authz.service.admin.usage_partitions import UsagePartitions
from authz.service.admin.welcome_mails import WelcomeMails
from authz.service.current_peppers import CurrentPeppers
from authz.settings import AdminSettings
from authz.storage.admin.database import Database as StoredDatabase
from authz.storage.admin.head_file import HeadFile
from authz.storage.admin.pool import open_pool
from authz.storage.place_lock import take_place
from runtime import garbage

_PROBE_SECONDS: Final = 2.0
_SETTLING: Final = timedelta(days=2)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything else stands on."""

    database: Database
    peppers: Callable[[], Peppers]
    mint: Mint
    mailer: Mailer
    registry: CollectorRegistry


async def administer(settings: AdminSettings, peppers: CurrentPeppers) -> None:
    """Answer whoever administers until SIGTERM or SIGINT; PostgreSQL may come and go.

    Raises:
        BadCertificateError: the files of the server's certificate do not belong together.
        DatabaseError: the connection string makes no sense.
        ListenError: it is impossible to listen where the settings say.
        OSError: a file that the settings name cannot be read.
        PlaceTakenError: another process listens on the same socket.
    """
    if settings.admin_socket is not None:
        take_place(settings.admin_socket)  # gRPC would quietly put itself in the other's place

    def known() -> Peppers:
        return peppers.peppers

    registry = CollectorRegistry()
    mailer = make_mailer(settings)
    async with open_pool(settings.database_url) as pool:
        database = StoredDatabase(pool, known, HeadFile(settings.audit_head_file))
        mint = Mint(known, secrets.randbelow)
        ground = _Ground(database, known, mint, mailer, registry)
        acknowledgements = Acknowledgements(database, time.monotonic)
        settling = timedelta(days=settings.invoice_settling_days)
        server = _make_server(ground, acknowledgements, settling)
        _listen(server, settings)
        lasting = (
            ScrapeServer(settings.metrics_socket, registry).serve,
            server.watch_health,
            peppers.run,
            _make_canary(ground, acknowledgements, settings.canary_interval_seconds).run,
            _make_housekeeping(ground).run,
            _make_reconciliation(ground, settings.reconcile_after_seconds).run,
        )
        await _run(server, lasting, settings.admin_stop_seconds)


def _make_server(
    ground: _Ground, acknowledgements: Acknowledgements, settling: timedelta
) -> AdminServer:
    administration = make_administration(
        ground.database, ground.peppers, ground.mint, ground.mailer, acknowledgements, settling
    )
    services = make_services(administration, lambda: datetime.now(UTC))

    async def is_database_up() -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await acknowledgements.list()
        except (DatabaseError, TimeoutError):
            return False
        return True

    return AdminServer(Gate(CallLog(ground.registry)), services, is_database_up)


def make_administration(
    database: Database,
    peppers: Callable[[], Peppers],
    mint: Mint,
    mailer: Mailer,
    acknowledgements: Acknowledgements,
    settling: timedelta = _SETTLING,
) -> Administration:
    """Put together all that can be asked for."""
    creation = AccountCreation(database, mint, WelcomeMails(mailer))
    return Administration(
        accounts=Accounts(database, creation),
        keys=Keys(database, mint, LeakedKeys(database, peppers)),
        tiers=Tiers(database),
        audit=Audit(database, peppers),
        peppers=PepperRotation(database, peppers),
        acknowledgements=acknowledgements,
        usage=Usage(database),
        decisions=Decisions(database),
        prices=Prices(database),
        invoices=Invoices(database, settling),
        invoicing=Invoicing(database, settling),
        corrections=Corrections(database),
    )


def _listen(server: AdminServer, settings: AdminSettings) -> None:
    """Listen wherever the settings say; they were checked to say where, and as whom."""
    if settings.admin_socket is not None:
        server.listen_on_socket(settings.admin_socket)
    certificate, key = settings.admin_tls_certificate, settings.admin_tls_key
    client_ca = settings.admin_tls_client_ca
    if settings.admin_address and certificate and key and client_ca:
        certificates = Certificates(CertificateFiles(certificate, key, client_ca))
        server.listen_on_address(SecureAddress(settings.admin_address, certificates))


def _make_canary(
    ground: _Ground, acknowledgements: Acknowledgements, interval_seconds: float
) -> Canary:
    return Canary(
        ground.database,
        ground.mint,
        acknowledgements,
        CanaryMetrics(ground.registry),
        time.monotonic,
        _jitter,
        interval_seconds,
    )


def _make_housekeeping(ground: _Ground) -> Housekeeping:
    metrics = HousekeepingMetrics(ground.registry)
    return Housekeeping(
        ground.database,
        RehashApplier(ground.database, ground.peppers, metrics),
        NoticeSender(ground.database, ground.mailer, metrics),
        UsagePartitions(ground.database, metrics),
        _jitter,
    )


def _make_reconciliation(ground: _Ground, settled_after_seconds: float) -> Reconciliation:
    return Reconciliation(
        ground.database,
        ReconciliationMetrics(ground.registry),
        timedelta(seconds=settled_after_seconds),
        _jitter,
    )


async def _run(
    server: AdminServer,
    lasting: Iterable[Callable[[], Coroutine[Any, Any, None]]],
    stop_seconds: float,
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    garbage.settle()
    await server.start()
    _log.info("server.started")
    # A task that ends with an error ends the process: better started anew than half alive.
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each()) for each in lasting]
        await stopped.wait()
        await server.stop(stop_seconds)
        for task in tasks:
            task.cancel()
    _log.info("server.stopped")


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 no secret
