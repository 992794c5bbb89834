"""Puts the check service together and runs it until it is told to stop."""

import asyncio
import random
import signal
import time
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry

from authz.domain.pepper import Pepper
from authz.rpc.access_log import AccessLogServicer
from authz.rpc.authorization import AuthorizationServicer
from authz.rpc.scrape import ScrapeServer
from authz.rpc.server import Server
from authz.service.breaker import Breaker
from authz.service.check import Checker
from authz.service.count_tokens import TokenCounter
from authz.service.current_directory import CurrentDirectory
from authz.service.follow import DirectoryFollower
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.local_share import LocalShare
from authz.service.metrics import CheckMetrics, DirectoryMetrics, QuotaMetrics
from authz.service.request_quota import RequestQuota
from authz.settings import ServeSettings
from authz.storage.directory_feed import DirectoryFeed
from authz.storage.request_buckets import RequestLedger
from authz.storage.short_statements import ShortStatements
from authz.storage.snapshot_file import SnapshotFile
from contract.tokens import RequestTokenizer
from runtime import garbage

_log = structlog.get_logger()


async def serve(settings: ServeSettings, pepper: Pepper, tokenizer: RequestTokenizer) -> None:
    """Answer checks until SIGTERM or SIGINT; PostgreSQL may come and go."""
    registry = CollectorRegistry()
    current = CurrentDirectory(settings.directory_max_stale_seconds, time.monotonic)
    keeper = SnapshotKeeper(
        SnapshotFile(settings.snapshot_file, pepper),
        current,
        settings.snapshot_interval_seconds,
        time.time,
    )
    keeper.restore()
    follower = _make_follower(settings, pepper, current, registry)
    counter = TokenCounter(
        tokenizer, settings.tokenise_inline_bytes, settings.tokenise_queue_bytes_max
    )
    quota = _make_quota(settings, registry)
    checker = Checker(current, pepper, counter, quota, lambda: datetime.now(UTC))
    server = Server(
        settings.socket,
        current,
        [
            AuthorizationServicer(checker, CheckMetrics(registry)).handler(),
            AccessLogServicer(registry).handler(),
        ],
    )
    await _run(server, ScrapeServer(settings.metrics_socket, registry), follower, keeper)


def _make_follower(
    settings: ServeSettings, pepper: Pepper, current: CurrentDirectory, registry: CollectorRegistry
) -> DirectoryFollower:
    return DirectoryFollower(
        DirectoryFeed(settings.database_url, pepper.id, settings.directory_keys_max),
        current,
        DirectoryMetrics(registry, current),
        settings.directory_poll_seconds,
        jitter=lambda: random.uniform(0.5, 1.5),  # noqa: S311 no secret
    )


def _make_quota(settings: ServeSettings, registry: CollectorRegistry) -> RequestQuota:
    statements = ShortStatements(
        settings.database_url, settings.charge_connections, settings.charge_timeout_seconds
    )
    ledger = RequestLedger(statements, time.monotonic)
    metrics = QuotaMetrics(registry)
    breaker = Breaker(
        ledger.ping,
        settings.outage_probe_seconds,
        settings.outage_grace_seconds,
        time.monotonic,
        metrics,
    )
    share = LocalShare(settings.processes, time.monotonic)
    return RequestQuota(ledger, share, breaker, metrics, settings.charge_linger_seconds)


async def _run(
    server: Server, scrape: ScrapeServer, follower: DirectoryFollower, keeper: SnapshotKeeper
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    garbage.settle()
    await server.start()
    _log.info("server.started")
    # A task that ends with an error ends the process: better started anew than half alive.
    async with asyncio.TaskGroup() as group:
        lasting = [
            group.create_task(task)
            for task in (scrape.serve(), follower.run(), keeper.run(), server.watch_health())
        ]
        await stopped.wait()
        await server.stop()
        for task in lasting:
            task.cancel()
    keeper.write()
    _log.info("server.stopped")
