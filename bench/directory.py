"""What the directory costs at a million keys, on a real PostgreSQL and the real disk."""

import asyncio
import gc
import hashlib
import os
import random
import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
import psutil
import uvloop

from authz.domain.directory import Delta, KeyStatus, PepperId
from authz.domain.packed_directory import Directory
from authz.domain.pepper import Peppers
from authz.domain.process import Process
from authz.domain.snapshot import Snapshot
from authz.storage.directory_feed import DirectoryFeed, DirectorySession
from authz.storage.migrate import migrate
from authz.storage.snapshot_file import SnapshotFile
from bench.database import running_postgres
from runtime import garbage
from runtime.boot import read_boot_id

_KEYS_PER_ACCOUNT: Final = 50
_LOOKUPS: Final = 200_000
_CHANGES: Final = 200
_MANY: Final = 5000

# Without the triggers, or each row would take a number of its own.
_FILL: Final = """
    SET session_replication_role = replica;
    INSERT INTO accounts (id, name, tier)
         SELECT md5('account ' || n)::uuid, 'account ' || n, 'standard'
           FROM generate_series(0, {accounts}) AS n;
    INSERT INTO keys (id, account_id, name, environment, scopes, pepper_id, digest, prefix,
                      last_four, expires_at)
         SELECT md5('key ' || n)::uuid, md5('account ' || n / {share})::uuid, 'key', 'prod',
                '{{embeddings,models}}', '{pepper}', sha256(n::text::bytea), 'sk-tessera-', 'last',
                CASE WHEN n % 2 = 0 THEN now() + interval '1 year' END
           FROM generate_series(0, {keys} - 1) AS n;
    INSERT INTO changes (number, kind, subject) VALUES (1000000, 'tier', 'standard');
    SET session_replication_role = origin;
    ANALYZE;
"""

_REVOKE: Final = "UPDATE keys SET status = 'revoked', revoked_at = now() WHERE id = $1"

_REVOKE_MANY: Final = """
    UPDATE keys SET status = 'revoked', revoked_at = now()
     WHERE id IN (SELECT id FROM keys WHERE status = 'active' LIMIT $1)
"""


@dataclass(slots=True)
class _Report:
    """Lines of a table."""

    lines: list[str] = field(default_factory=lambda: ["| what | measured |", "|---|---|"])

    def add(self, what: str, measured: str) -> None:
        self.lines.append(f"| {what} | {measured} |")

    def add_times(self, what: str, seconds: Sequence[float], unit: str = "ms") -> None:
        scale = {"ms": 1e3, "µs": 1e6}[unit]
        ordered = sorted(seconds)
        p50, p99 = (ordered[int(len(ordered) * part)] * scale for part in (0.5, 0.99))
        longest = ordered[-1] * scale
        self.add(what, f"p50 {p50:.2f} {unit}, p99 {p99:.2f} {unit}, max {longest:.2f} {unit}")


def measure_directory(folder: Path, keys: int, say: Callable[[str], None]) -> str:
    """Return a table of all that the directory costs with this many keys."""
    peppers, report = Peppers.parse("5e" * 32), _Report()
    report.add("keys", f"{keys:,}, in {keys // _KEYS_PER_ACCOUNT:,} accounts")
    with running_postgres(folder) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as on:
        directory = on.run(_measure_following(url, folder, keys, peppers, report, say))
    say("Measuring what happens in memory alone")
    _measure_lookups(directory, keys, peppers.ids, report)
    _measure_apply(directory, keys, report)
    _measure_restore(folder, peppers, keys, report)
    return "\n".join(report.lines)


async def _measure_following(
    url: str,
    folder: Path,
    keys: int,
    peppers: Peppers,
    report: _Report,
    say: Callable[[str], None],
) -> Directory:
    say(f"Filling a database with {keys} keys")
    writer = await asyncpg.connect(url)
    await migrate(writer)
    await _fill(writer, keys, peppers.newest.id)
    process = Process("bench", uuid4(), timedelta(seconds=300))
    feed = DirectoryFeed(url, process, lambda: peppers.ids, keys_max=keys)
    garbage.settle()
    say("Reading it, and following its changes")
    async with feed.open() as session:
        directory = await _measure_load(session, keys, report)
        file = SnapshotFile(folder / "snapshot", lambda: peppers, read_boot_id(), keys)
        await _measure_base(file, directory, report)
        await _measure_changes(session, writer, directory, file, report)
    writer.terminate()
    return directory


async def _fill(connection: asyncpg.Connection, keys: int, pepper: PepperId) -> None:
    accounts = keys // _KEYS_PER_ACCOUNT
    statement = _FILL.format(accounts=accounts, share=_KEYS_PER_ACCOUNT, keys=keys, pepper=pepper)
    await connection.execute(statement, timeout=600)


async def _measure_load(session: DirectorySession, keys: int, report: _Report) -> Directory:
    before = psutil.Process().memory_info().rss
    async with _stalls() as stalls:
        began = time.perf_counter()
        directory = await session.read(None)
        seconds = time.perf_counter() - began
    gc.collect()
    taken = psutil.Process().memory_info().rss - before
    report.add("load from PostgreSQL", f"{seconds:.1f} s")
    report.add_times("event loop held up meanwhile", stalls)
    report.add("memory a key, accounts included", f"{taken / keys:.0f} bytes")
    return directory


def _measure_lookups(
    directory: Directory, keys: int, chain: tuple[PepperId, ...], report: _Report
) -> None:
    numbers = [random.randrange(keys) for _ in range(_LOOKUPS)]  # noqa: S311 no secret
    there = [hashlib.sha256(str(number).encode()).digest() for number in numbers]
    missing = [os.urandom(32) for _ in range(_LOOKUPS)]
    for what, digests in (("a key that exists", there), ("a key that does not", missing)):
        # Made before: a page of memory that is touched for the first time costs half a look-up.
        times = array("d", [1]) * _LOOKUPS
        for number, digest in enumerate(digests):
            began = time.perf_counter_ns()
            directory.find(digest, chain)
            times[number] = (time.perf_counter_ns() - began) / 1e9
        report.add_times(f"look-up of {what}", times, "µs")


def _measure_apply(directory: Directory, keys: int, report: _Report) -> None:
    for size in (1, _MANY):
        times = []
        for _ in range(_CHANGES if size == 1 else 20):
            delta = _make_delta(directory, keys, size)
            times.append(_time(directory.apply, delta))
        report.add_times(f"{size:,} changed key(s) applied, in memory", times)


def _make_delta(directory: Directory, keys: int, size: int) -> Delta:
    changed = {}
    for number in random.sample(range(keys), size):
        digest = hashlib.sha256(str(number).encode()).digest()
        if (holder := directory.find(digest, directory.chains[0])) is None:
            raise SystemExit(f"Key {number} is not in the directory")
        changed[holder.key.id] = replace(holder.key, status=KeyStatus.REVOKED)
    return Delta(directory.number, {}, {}, changed)


async def _measure_base(file: SnapshotFile, directory: Directory, report: _Report) -> None:
    async with _stalls() as stalls:
        began = time.perf_counter()
        await asyncio.to_thread(file.write, Snapshot(directory, 0.0, 300.0))
        seconds = time.perf_counter() - began
    report.add("snapshot written whole, in a thread", f"{seconds:.2f} s")
    report.add_times("event loop held up meanwhile", stalls)


async def _measure_changes(
    session: DirectorySession,
    writer: asyncpg.Connection,
    directory: Directory,
    file: SnapshotFile,
    report: _Report,
) -> None:
    await session.tell(directory.number)
    ids = await writer.fetch("SELECT id FROM keys ORDER BY random() LIMIT $1", _CHANGES)
    applied, told, read = [], [], []
    for row in ids:
        began = time.perf_counter()
        await writer.execute(_REVOKE, row["id"])
        await session.wait(10)
        announced = time.perf_counter()
        directory = await session.read(directory)
        applied.append(time.perf_counter() - began)
        read.append(time.perf_counter() - announced)
        await asyncio.to_thread(file.write, Snapshot(directory, 0.0, 300.0))
        await session.tell(directory.number)
        told.append(time.perf_counter() - began)
    report.add_times("a change read and applied, from its announcement", read)
    report.add_times("… from before its UPDATE", applied)
    report.add_times("… and written down and acknowledged", told)
    await writer.execute(_REVOKE_MANY, _MANY)
    async with _stalls() as stalls:
        began = time.perf_counter()
        await session.read(directory)
        seconds = time.perf_counter() - began
    report.add(f"{_MANY:,} changes at once read and applied", f"{seconds * 1e3:.0f} ms")
    report.add_times("event loop held up meanwhile", stalls)


def _measure_restore(folder: Path, peppers: Peppers, keys: int, report: _Report) -> None:
    path = folder / "snapshot"
    file = SnapshotFile(path, lambda: peppers, read_boot_id(), keys)
    report.add("snapshot read", f"{_time(file.read):.2f} s, {path.stat().st_size / 2**20:.0f} MiB")


def _time(act: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter_ns()
    act(*arguments)
    return (time.perf_counter_ns() - began) / 1e9


@asynccontextmanager
async def _stalls() -> AsyncIterator[list[float]]:
    """Yield how long the event loop leaves a task that always wants its turn without one."""
    stalls: list[float] = []

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            stalls.append(now - last)
            last = now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield stalls
    finally:
        await asyncio.sleep(0)  # whose turn after this counts still
        await asyncio.sleep(0)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
