"""What happens to requests while PostgreSQL is away."""

import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from stack import postgres
from stack.postgres import Postgres
from stack.spawn import Spawned, spawn
from tests.authz.running import Authz, Setup
from tests.waiting import wait_until


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
        process = postgres.describe(self.postgres, self._log, settings=postgres.DISPOSABLE)
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


async def test_known_keys_go_on_when_postgres_is_killed(
    server: _Server, authz: Authz, key: str
) -> None:
    """Every request meanwhile is served, and the ledger is used again afterwards."""
    server.kill()
    assert [await authz.status(key) for _ in range(50)] == [200] * 50
    await authz.logs("quota.outage_began")
    server.restart()
    await authz.logs("quota.outage_ended")
    assert await authz.status(key) == 200


async def test_known_keys_go_on_when_postgres_is_frozen(
    server: _Server, authz: Authz, key: str
) -> None:
    """Its connections stay open and silent; only our own time limits notice."""
    server.freeze()
    try:
        assert [await authz.status(key) for _ in range(50)] == [200] * 50
        assert "quota.outage_began" in authz.events()
    finally:
        server.thaw()
    await authz.logs("quota.outage_ended")


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
