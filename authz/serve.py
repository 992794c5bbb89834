"""Puts the check service together and runs it until it is told to stop."""

import asyncio
import random
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry

from authz.charging import start_charging
from authz.decisions import Records, keep_decisions
from authz.domain.directory import KeyId
from authz.domain.process import Process
from authz.domain.rehash import Rehash
from authz.rpc.access_log import AccessLogServicer
from authz.rpc.authorization import AuthorizationServicer
from authz.rpc.scrape import ScrapeServer
from authz.rpc.server import Server
from authz.service.authenticate import Authenticator
from authz.service.check import Checker, Record
from authz.service.count_tokens import TokenCounter
from authz.service.current_directory import CurrentDirectory
from authz.service.current_peppers import CurrentPeppers
from authz.service.follow import DirectoryFollower
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.leave import leave
from authz.service.metrics import CheckMetrics, DirectoryMetrics
from authz.service.note_uses import KeyUses
from authz.service.propose_rehashes import Rehasher
from authz.service.quota.charger import Charger
from authz.service.write_later import LateWriter
from authz.settings import ServeSettings
from authz.storage.directory_feed import DirectoryFeed
from authz.storage.key_rehashes import KeyRehashTable
from authz.storage.key_uses import KeyUseTable
from authz.storage.place_lock import take_place
from authz.storage.short_statements import ShortStatements
from authz.storage.snapshot_file import SnapshotFile
from authz.usage import keep_usage
from contract.tokens import RequestTokenizer
from runtime import garbage
from runtime.boot import read_boot_id, seconds_since_boot

_LAST_WRITES_SECONDS: Final = 1.0
_LAST_LEASES_SECONDS: Final = 1.0
_LATE_STATEMENT_SECONDS: Final = 0.9
"""Less than PostgreSQL waits before it breaks a deadlock: we give way, and try again."""

_log = structlog.get_logger()


async def serve(
    settings: ServeSettings, peppers: CurrentPeppers, tokenizer: RequestTokenizer
) -> None:
    """Answer checks until SIGTERM or SIGINT; PostgreSQL may come and go.

    Raises:
        PlaceTakenError: another process does so at the same socket, or with the same snapshot or
            journal.
    """
    registry = CollectorRegistry()
    take_place(settings.socket)
    take_place(settings.snapshot_file)
    take_place(settings.usage_journal)
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
    late = ShortStatements(settings.database_url, 1, _LATE_STATEMENT_SECONDS)
    uses, rehashes = _make_writers(settings, late)
    authenticator = Authenticator(current, peppers, KeyUses(uses), Rehasher(peppers, rehashes))
    charging = start_charging(settings, registry, _jitter)
    charger = charging.charger
    usage = keep_usage(settings, tokenizer.card.id, charger.refund, registry, _jitter)
    checker = _make_checker(settings, authenticator, tokenizer, charger, usage.recorder.record)
    records = keep_decisions(settings, _name(settings), current, late, registry, _jitter)
    server = _make_server(settings.socket, current, checker, records, registry)
    scrape = ScrapeServer(settings.metrics_socket, registry)
    lasting = (
        *(scrape.serve, follower.run, keeper.run, server.watch_health),
        *(peppers.run, uses.run, rehashes.run),
        *(charger.run, charging.processes.run, usage.refunder.run, usage.drain.run),
    )
    await _run(server, (*lasting, *(each.run for each in records.writers)))
    writers = (usage.drain, uses, rehashes, *records.writers)
    await asyncio.gather(
        charger.stop(_LAST_LEASES_SECONDS),
        *(each.close(_LAST_WRITES_SECONDS) for each in writers),
    )
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
        _name(settings),
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
    charger: Charger,
    record: Record,
) -> Checker:
    counter = TokenCounter(
        tokenizer, settings.tokenise_inline_bytes, settings.tokenise_queue_bytes_max
    )
    return Checker(
        authenticator,
        counter,
        charger,
        record,
        lambda: datetime.now(UTC),
        timedelta(seconds=settings.key_expires_notice_seconds),
    )


def _make_server(
    socket: Path,
    current: CurrentDirectory,
    checker: Checker,
    records: Records,
    registry: CollectorRegistry,
) -> Server:
    handlers = (
        AuthorizationServicer(checker, CheckMetrics(registry), records.recorder).handler(),
        AccessLogServicer(registry, records.traffic).handler(),
    )
    return Server(socket, current, handlers)


def _make_writers(
    settings: ServeSettings, statements: ShortStatements
) -> tuple[LateWriter[KeyId, datetime], LateWriter[KeyId, Rehash]]:
    interval = settings.key_uses_interval_seconds
    return (
        LateWriter("key uses", KeyUseTable(statements).write, interval, _jitter),
        LateWriter("rehashes", KeyRehashTable(statements).propose, interval, _jitter),
    )


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


def _name(settings: ServeSettings) -> str:
    return settings.process_name or f"{socket.gethostname()}:{settings.socket.absolute()}"


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 no secret
