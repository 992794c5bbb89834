"""Puts the check service together and runs it until it is told to stop."""

import asyncio
import random
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry

from authz.domain.process import Process
from authz.domain.rehash import Rehash
from authz.rpc.access_log import AccessLogServicer
from authz.rpc.authorization import AuthorizationServicer
from authz.rpc.scrape import ScrapeServer
from authz.rpc.server import Server
from authz.service.authenticate import Authenticator
from authz.service.breaker import Breaker
from authz.service.check import Checker
from authz.service.count_tokens import TokenCounter
from authz.service.current_directory import CurrentDirectory
from authz.service.current_peppers import CurrentPeppers
from authz.service.follow import DirectoryFollower
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.leave import leave
from authz.service.local_share import LocalShare
from authz.service.metrics import CheckMetrics, DirectoryMetrics, QuotaMetrics
from authz.service.note_uses import KeyUses
from authz.service.propose_rehashes import Rehasher
from authz.service.request_quota import RequestQuota
from authz.service.write_later import LateWriter
from authz.settings import ServeSettings
from authz.storage.directory_feed import DirectoryFeed
from authz.storage.key_rehashes import KeyRehashTable
from authz.storage.key_uses import KeyUseTable
from authz.storage.place_lock import take_place
from authz.storage.request_buckets import RequestLedger
from authz.storage.short_statements import ShortStatements
from authz.storage.snapshot_file import SnapshotFile
from contract.tokens import RequestTokenizer
from runtime import garbage
from runtime.boot import read_boot_id, seconds_since_boot

_LAST_WRITES_SECONDS: Final = 1.0
_LATE_STATEMENT_SECONDS: Final = 0.9
"""Less than PostgreSQL waits before it breaks a deadlock: we give way, and try again."""

_log = structlog.get_logger()


async def serve(
    settings: ServeSettings, peppers: CurrentPeppers, tokenizer: RequestTokenizer
) -> None:
    """Answer checks until SIGTERM or SIGINT; PostgreSQL may come and go.

    Raises:
        PlaceTakenError: another process does so at the same socket, or with the same snapshot.
    """
    registry = CollectorRegistry()
    take_place(settings.socket)
    take_place(settings.snapshot_file)
    current = CurrentDirectory(settings.directory_max_stale_seconds, seconds_since_boot)
    keeper = _make_keeper(settings, peppers, current)
    keeper.restore()
    feed = _make_feed(settings, peppers)
    follower = DirectoryFollower(
        feed,
        current,
        keeper,
        DirectoryMetrics(registry, current),
        settings.directory_poll_seconds,
        _jitter,
    )
    uses, rehashes = _make_writers(settings)
    authenticator = Authenticator(current, peppers, KeyUses(uses), Rehasher(peppers, rehashes))
    checker = _make_checker(settings, authenticator, tokenizer, registry)
    server = _make_server(settings.socket, current, checker, registry)
    scrape = ScrapeServer(settings.metrics_socket, registry)
    lasting = (
        *(scrape.serve, follower.run, keeper.run, server.watch_health),
        *(peppers.run, uses.run, rehashes.run),
    )
    await _run(server, lasting)
    await asyncio.gather(*(each.close(_LAST_WRITES_SECONDS) for each in (uses, rehashes)))
    await leave(feed, keeper)
    _log.info("server.stopped")


def _make_keeper(
    settings: ServeSettings, peppers: CurrentPeppers, current: CurrentDirectory
) -> SnapshotKeeper:
    file = SnapshotFile(
        settings.snapshot_file,
        lambda: peppers.peppers,
        read_boot_id(),
        settings.directory_keys_max,
    )
    return SnapshotKeeper(file, current, settings.snapshot_interval_seconds)


def _make_feed(settings: ServeSettings, peppers: CurrentPeppers) -> DirectoryFeed:
    process = Process(
        settings.process_name or f"{socket.gethostname()}:{settings.socket.absolute()}",
        uuid4(),
        timedelta(seconds=settings.directory_max_stale_seconds),
    )
    return DirectoryFeed(
        settings.database_url, process, lambda: peppers.peppers.ids, settings.directory_keys_max
    )


def _make_checker(
    settings: ServeSettings,
    authenticator: Authenticator,
    tokenizer: RequestTokenizer,
    registry: CollectorRegistry,
) -> Checker:
    counter = TokenCounter(
        tokenizer, settings.tokenise_inline_bytes, settings.tokenise_queue_bytes_max
    )
    return Checker(
        authenticator,
        counter,
        _make_quota(settings, registry),
        lambda: datetime.now(UTC),
        timedelta(seconds=settings.key_expires_notice_seconds),
    )


def _make_server(
    socket: Path, current: CurrentDirectory, checker: Checker, registry: CollectorRegistry
) -> Server:
    handlers = (
        AuthorizationServicer(checker, CheckMetrics(registry)).handler(),
        AccessLogServicer(registry).handler(),
    )
    return Server(socket, current, handlers)


def _make_writers(settings: ServeSettings) -> tuple[LateWriter[datetime], LateWriter[Rehash]]:
    statements = ShortStatements(settings.database_url, 1, _LATE_STATEMENT_SECONDS)
    interval = settings.key_uses_interval_seconds
    return (
        LateWriter("key uses", KeyUseTable(statements).write, interval, _jitter),
        LateWriter("rehashes", KeyRehashTable(statements).propose, interval, _jitter),
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


async def _run(server: Server, lasting: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
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
        await server.stop()
        for task in tasks:
            task.cancel()


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 no secret
