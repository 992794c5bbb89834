"""A server, and a copy of it that takes its place without what it did last."""

import os
import pwd
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from authz.storage.migrate import migrate
from stack import postgres
from stack.parts import postgres_program
from stack.postgres import Postgres
from stack.process import Command
from stack.spawn import Spawned, spawn
from tests.waiting import wait_until

_UNROOT: Final = Path(postgres.__file__).with_name("unroot.py")


@dataclass(slots=True)
class Pair:
    """Two servers in one folder with a short name: one that runs, and one that is yet to be."""

    folder: Path
    running: list[Spawned] = field(default_factory=list)

    @property
    def first(self) -> Postgres:
        """The one that runs."""
        return Postgres(data=self.folder / "first", sockets=self._sockets("1"))

    @property
    def second(self) -> Postgres:
        """The copy."""
        return Postgres(data=self.folder / "second", sockets=self._sockets("2"))

    def copy(self) -> None:
        """Copy the first as it is now."""
        data = self.second.data
        data.mkdir(mode=0o700)
        _give_to_nobody(data)
        program = (postgres_program("pg_basebackup"), "--checkpoint=fast", "--no-sync")
        source = ("-D", str(data), "-d", self.first.url())
        copying = spawn(Command((*_as_ordinary_user(), *program, *source)), self._log)
        assert copying.wait(60) == 0, self._log.read_text()
        (data / "standby.signal").touch()

    async def take_over(self) -> None:
        """End the first, and let the copy take its place."""
        self.running[0].stop()
        self.running[0].wait(20)
        self.start(self.second)
        connection = await asyncpg.connect(self.second.url())
        await connection.fetchval("SELECT pg_promote(true, 30)")
        connection.terminate()

    def start(self, server: Postgres) -> None:
        """Start a server and wait until it can be connected to."""
        process = postgres.describe(server, self._log, settings=postgres.DISPOSABLE)
        spawned = spawn(process.command, self._log, stop_signal=process.stop_signal)
        self.running.append(spawned)
        wait_until(lambda: postgres.is_ready(server), self._log.read_text)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _sockets(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


@asynccontextmanager
async def running_pair(folder: Path) -> AsyncIterator[Pair]:
    """Run a migrated server in a folder with a short name."""
    pair = Pair(folder)
    step = postgres.initialisation(pair.first, pair._log)
    assert step is not None
    assert step.finish is not None
    assert spawn(step.command, pair._log).wait(60) == 0
    step.finish()
    try:
        pair.start(pair.first)
        connection = await asyncpg.connect(pair.first.url())
        await migrate(connection)
        connection.terminate()
        yield pair
    finally:
        for spawned in pair.running:
            spawned.stop()
            spawned.wait(20)


def _as_ordinary_user() -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(_UNROOT)) if os.geteuid() == 0 else ()


def _give_to_nobody(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
