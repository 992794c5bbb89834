"""What happens to requests while PostgreSQL is away."""

import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg
import psutil
import pytest

from stack import postgres
from stack.postgres import Postgres
from stack.spawn import Spawned, spawn
from tests.authz.running import Authz, Setup
from tests.waiting import wait_until

_SETTINGS: Final = {**postgres.DISPOSABLE, "synchronous_commit": "on"}
"""What is killed may forget nothing that it has confirmed."""

Away: TypeAlias = AbstractAsyncContextManager[None]


class _Server:
    """A PostgreSQL of the test's own, to be ill-treated."""

    def __init__(self, folder: Path) -> None:
        self.postgres = Postgres(data=folder / "data", sockets=folder)
        self._log = folder / "postgres.log"
        step = postgres.initialisation(self.postgres, self._log)
        assert step is not None
        assert step.finish is not None
        assert spawn(step.command, self._log).wait(timeout_seconds=60) == 0
        step.finish()
        self._spawned = self._start()

    def _start(self) -> Spawned:
        process = postgres.describe(self.postgres, self._log, settings=_SETTINGS)
        spawned = spawn(process.command, self._log, stop_signal=process.stop_signal)
        wait_until(lambda: postgres.is_ready(self.postgres), self._log.read_text)
        return spawned

    def restart(self) -> None:
        """Start again after `kill`."""
        self._spawned = self._start()

    def kill(self) -> None:
        """End it without a checkpoint or a word."""
        os.kill(self._spawned.pid, signal.SIGQUIT)
        self._spawned.wait(timeout_seconds=20)

    def freeze(self) -> None:
        """Stop every process of it; connections stay open, and nobody answers."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        for process in self._processes():
            process.resume()

    def close(self) -> None:
        """End it for good."""
        self._spawned.stop()
        self._spawned.wait(timeout_seconds=20)

    def _processes(self) -> list[psutil.Process]:
        postmaster = psutil.Process(self._spawned.pid)
        return [postmaster, *postmaster.children(recursive=True)]


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    """A server for this file alone; every test leaves it running."""
    with tempfile.TemporaryDirectory(prefix="tessera-pg-") as folder:
        server = _Server(Path(folder))
        try:
            yield server
        finally:
            server.close()


@pytest.fixture
def setup(server: _Server, model_folder: Path) -> Iterator[Setup]:
    """Authz on that server."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), server.postgres.url(), model_folder)


@pytest.fixture
async def key(setup: Setup) -> str:
    """The demo account's key."""
    return await setup.seed()


@pytest.fixture
async def authz(setup: Setup, key: str) -> AsyncIterator[Authz]:
    """A healthy process that has charged a request."""
    authz = Authz(setup)
    try:
        await authz.serves()
        assert await authz.status(key) == 200
        yield authz
    finally:
        authz.kill()


@asynccontextmanager
async def _killed(server: _Server) -> AsyncIterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.restart()


@asynccontextmanager
async def _frozen(server: _Server) -> AsyncIterator[None]:
    """Its connections stay open and silent; only our own time limits notice."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@asynccontextmanager
async def _without_connections(server: _Server) -> AsyncIterator[None]:
    """Somebody else has them all."""
    taken = [await asyncpg.connect(server.postgres.url())]
    try:
        await _take_all(server, taken)
        await taken[0].execute(_END_OTHERS)
        await _take_all(server, taken)
        yield
    finally:
        for connection in taken:
            connection.terminate()


async def _take_all(server: _Server, taken: list[asyncpg.Connection]) -> None:
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(server.postgres.url()))


@asynccontextmanager
async def _slow(server: _Server) -> AsyncIterator[None]:
    """It answers, but not in time."""
    blocker = await asyncpg.connect(server.postgres.url())
    try:
        await blocker.execute("BEGIN")
        await blocker.execute("LOCK TABLE quotas")
        yield
    finally:
        blocker.terminate()


_END_OTHERS: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name LIKE 'tessera-authz%'
"""


@pytest.mark.parametrize("fault", [_killed, _frozen, _without_connections, _slow])
async def test_known_keys_go_on_while_postgres_is_away_and_nothing_is_lost(
    server: _Server, setup: Setup, key: str, fault: Callable[[_Server], Away]
) -> None:
    """Every request is served; when it is back it is asked again, and has booked every token."""
    authz, before = Authz(setup), await _booked(server)
    try:
        await authz.serves()
        served = [await authz.status(key) for _ in range(5)]
        async with fault(server):
            while "quota.outage_began" not in authz.events():
                served.append(await authz.status(key))
            served += [await authz.status(key) for _ in range(30)]
        await authz.logs("quota.outage_ended")
        served += [await authz.status(key) for _ in range(5)]
        assert set(served) == {200}
        assert await authz.stop() == 0
        assert await _booked(server) == before + 3 * len(served)
    finally:
        authz.kill()


async def _booked(server: _Server) -> int:
    """Return the tokens that the month has spent, where nothing is leased any more."""
    connection = await asyncpg.connect(server.postgres.url())
    row = await connection.fetchrow(
        "SELECT sum(month_spent)::bigint AS spent, sum(tokens_reserved)::bigint AS held FROM quotas"
    )
    connection.terminate()
    assert row is not None
    assert not row["held"]
    return row["spent"] or 0


async def test_a_process_that_died_starts_from_its_snapshot_while_postgres_is_down(
    server: _Server, setup: Setup, authz: Authz, key: str
) -> None:
    """A restart in an outage refuses nobody."""
    authz.kill()
    server.kill()
    await _serves_again(server, setup, key)


async def test_a_process_stopped_in_an_outage_starts_from_its_snapshot(
    server: _Server, setup: Setup, authz: Authz, key: str
) -> None:
    """It could not say that it is gone, so it is still waited for, and may come back."""
    server.kill()
    assert await authz.stop() == 0
    assert "process.remained" in authz.events()
    await _serves_again(server, setup, key)


async def _serves_again(server: _Server, setup: Setup, key: str) -> None:
    again = Authz(setup)
    try:
        await again.serves()
        assert await again.status(key) == 200
    finally:
        again.kill()
        server.restart()


async def test_a_process_that_nobody_counts_lets_nobody_in(
    server: _Server, setup: Setup, authz: Authz, key: str
) -> None:
    """Stopped in good order, it does not come back from its snapshot alone."""
    assert await authz.stop() == 0
    server.kill()
    again = Authz(setup)
    try:
        await again.logs("directory.disconnected")
        assert await again.status(key) == 503
        server.restart()
        await again.serves()
        assert await again.status(key) == 200
    finally:
        again.kill()


async def test_an_outage_beyond_its_bounds_is_a_503_and_never_a_401(
    server: _Server, setup: Setup, key: str
) -> None:
    """First the quota's grace ends, then the directory is too old."""
    authz = Authz(
        setup,
        {"AUTHZ_OUTAGE_GRACE_SECONDS": "0.5", "AUTHZ_DIRECTORY_MAX_STALE_SECONDS": "3"},
    )
    try:
        await authz.serves()
        server.kill()
        statuses = {200}
        while await authz.is_healthy():
            statuses.add(await authz.status(key))
        assert statuses == {200, 503}
        assert await authz.status(key) == 503
        server.restart()
        await authz.serves()
        await authz.reaches(key, 200)
    finally:
        authz.kill()
