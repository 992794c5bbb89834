"""PostgreSQL 18 for one machine: reachable only through a Unix socket in a private folder."""

import os
import pwd
import shutil
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Final

from stack import probe
from stack.parts import postgres_program
from stack.process import Command, Process, Step

_UNROOT: Final = Path(__file__).with_name("unroot.py")
OWNER: Final = "tessera"
_PORT: Final = 5432  # only names the socket; no TCP port is opened
_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
"""Answered, with a letter, before anybody has to say who they are, and kept out of the log."""

DURABLE: Final[Mapping[str, str]] = {
    "max_connections": "200",
    "track_commit_timestamp": "on",  # tells when a revocation was committed, to measure from
}
DISPOSABLE: Final[Mapping[str, str]] = {
    **DURABLE,
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
}
"""Settings for tests: data need not survive the machine."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """Where a server keeps its data, and the folder of its socket (mode 0700)."""

    data: Path
    sockets: Path

    def url(self, database: str = "postgres", role: str = OWNER) -> str:
        """Return the connection string for one database, as one role."""
        return f"postgresql:///{database}?host={self.sockets}&user={role}"


def initialisation(postgres: Postgres, log: Path) -> Step | None:
    """Describe how the data folder is made, or return None where it is there already.

    An unfinished attempt is thrown away: the folder gets its name only when it is complete.
    """
    if postgres.data.exists():
        return None
    unfinished = postgres.data.with_name(postgres.data.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(unfinished, nobody.pw_uid, nobody.pw_gid)
    argv = (
        *_as_ordinary_user(),
        postgres_program("initdb"),
        f"--pgdata={unfinished}",
        f"--username={OWNER}",
        # Who may enter the socket's folder may connect; nobody else can.
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
    )

    def finish() -> None:
        unfinished.rename(postgres.data)

    return Step(name="initdb", command=Command(argv), log=log, finish=finish)


def describe(
    postgres: Postgres,
    log: Path,
    *,
    after: tuple[str, ...] = (),
    settings: Mapping[str, str] = DURABLE,
) -> Process:
    """Describe the server over an initialised data folder."""

    async def ready() -> bool:
        return is_ready(postgres)

    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(postgres.sockets),
        "port": str(_PORT),
        **settings,
    }
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    return Process(
        name="postgres",
        command=Command(
            (*_as_ordinary_user(), postgres_program("postgres"), "-D", str(postgres.data), *options)
        ),
        ready=ready,
        answers=probe.any_on_socket(postgres.sockets / f".s.PGSQL.{_PORT}", _SSL_REQUEST),
        log=log,
        after=after,
        stop_signal=Signals.SIGINT,  # "fast": ends sessions, then writes a checkpoint
        stop_seconds=5,
    )


def is_ready(postgres: Postgres) -> bool:
    """Tell whether the server accepts connections, from the file it keeps for pg_ctl."""
    try:
        lines = (postgres.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    # A server that was killed leaves the file; its successor's lines replace it at once.
    return len(lines) >= 8 and lines[7].strip() == "ready" and _lives(int(lines[0]))


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _as_ordinary_user() -> tuple[str, ...]:
    """Return what goes before a PostgreSQL program: it refuses to run as root."""
    return (sys.executable, "-I", "-S", str(_UNROOT)) if os.geteuid() == 0 else ()
