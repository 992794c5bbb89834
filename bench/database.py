"""A PostgreSQL for one measurement, with its usual durability."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stack import postgres
from stack.postgres import Postgres
from stack.spawn import spawn

_READY_SECONDS: Final = 60


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Run a server in a folder with a short name; yields its connection string."""
    server, log = Postgres(data=folder / "data", sockets=folder), folder / "postgres.log"
    step = postgres.initialisation(server, log)
    if step is None or spawn(step.command, log).wait(_READY_SECONDS) or step.finish is None:
        raise SystemExit(f"PostgreSQL was not set up; its log is {log}")
    step.finish()
    process = postgres.describe(server, log)
    spawned = spawn(process.command, log, stop_signal=process.stop_signal)
    try:
        _wait_until_ready(server, log)
        yield server.url()
    finally:
        spawned.stop()
        spawned.wait(_READY_SECONDS)


def _wait_until_ready(server: Postgres, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not postgres.is_ready(server):
        if time.monotonic() > deadline:
            raise SystemExit(f"PostgreSQL did not become ready; its log is {log}")
        time.sleep(0.1)
