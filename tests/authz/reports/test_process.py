"""`python -m authz report`, as it is run."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from contract import errors
from contract.headers import ACCOUNT
from tests import unencrypted
from tests.authz.logins import DATA, login_url
from tests.authz.reports.conftest import PATH
from tests.authz.used import Used, put_usage
from tests.waiting import wait_until

_NOBODY_THERE = "postgresql:///x?host=/nonexistent&user=tessera"


@dataclass(frozen=True, slots=True)
class Reporter:
    """A running process."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path

    def status(self, path: str) -> int | None:
        """Ask; nothing where nobody listens yet."""
        try:
            return self.client.get(path).status_code
        except httpx.TransportError:
            return None

    def events(self) -> list[str]:
        """Return all that was logged."""
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()]


@contextmanager
def _running(database_url: str, **settings: str) -> Iterator[Reporter]:
    with tempfile.TemporaryDirectory(prefix="report-") as folder:  # short: a socket goes in it
        socket, log = Path(folder, "report.sock"), Path(folder, "log")
        environment = {
            "PATH": os.defpath,
            "AUTHZ_DATABASE_URL": database_url,
            "AUTHZ_REPORT_SOCKET": str(socket),
            "AUTHZ_REPORT_TIMEOUT_SECONDS": "1",
            **settings,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "authz", "report"], env=environment, stderr=output
            )
        try:
            with unencrypted.client_of(socket) as client:
                reporter = Reporter(process, client, log)
                wait_until(lambda: reporter.status("/healthz") == 200, log.read_text)
                yield reporter
        finally:
            process.kill()
            process.wait(20)


async def test_it_reports_until_it_is_told_to_stop(
    migrated_url: str, connection: asyncpg.Connection
) -> None:
    """With the data plane's rights, and it ends in good order."""
    now, account_id = datetime.now(UTC), uuid4()
    await put_usage(connection, Used(now, account_id, uuid4(), tokens=7))
    with _running(login_url(migrated_url, DATA)) as reporter:
        assert reporter.status("/readyz") == 200
        answer = reporter.client.get(
            PATH,
            params={"start_time": int(now.timestamp())},
            headers={ACCOUNT: str(account_id), "x-request-id": "req_1"},
        )
        assert answer.json()["data"][0]["results"][0]["input_tokens"] == 7
        reporter.process.terminate()
        assert reporter.process.wait(20) == 0
        assert reporter.events() == ["server.started", "server.stopped"]


def test_without_a_database_it_answers_503() -> None:
    """It says when to try again, blames nobody's key, and tells no secret in its log."""
    with _running(_NOBODY_THERE) as reporter:
        answer = reporter.client.get(
            PATH, params={"start_time": 1}, headers={ACCOUNT: str(uuid4()), "x-request-id": "req_1"}
        )
        assert answer.status_code == 503
        assert 500 <= int(answer.headers["retry-after-ms"]) <= 1500
        assert answer.json() == json.loads(errors.unavailable(timedelta(seconds=1)).body())
        assert (reporter.status("/readyz"), reporter.status("/healthz")) == (503, 200)
        line = json.loads(reporter.log.read_text().splitlines()[-1])
        assert (line["event"], line["request_id"]) == ("report.failed", "req_1")
        assert "nonexistent" not in reporter.log.read_text()


async def test_a_database_that_hangs_is_waited_for_no_longer_than_was_set(
    migrated_url: str, connection: asyncpg.Connection
) -> None:
    """503 again, and a report that comes later is made."""
    url = login_url(migrated_url, DATA)
    query = {"start_time": int(datetime.now(UTC).timestamp())}
    with _running(url, AUTHZ_REPORT_CONNECTIONS="1") as reporter:
        headers = {ACCOUNT: str(uuid4())}
        async with connection.transaction():
            await connection.execute("LOCK TABLE usage_hours IN ACCESS EXCLUSIVE MODE")
            assert reporter.client.get(PATH, params=query, headers=headers).status_code == 503
        assert reporter.client.get(PATH, params=query, headers=headers).status_code == 200


def test_a_second_process_does_not_take_the_firsts_place() -> None:
    """It ends with a sentence, and the first goes on."""
    with _running(_NOBODY_THERE) as reporter:
        socket = reporter.log.parent / "report.sock"
        done = _run({"AUTHZ_DATABASE_URL": _NOBODY_THERE, "AUTHZ_REPORT_SOCKET": str(socket)})
        assert done.returncode == 1
        assert str(socket) in done.stderr
        assert reporter.status("/healthz") == 200


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"AUTHZ_DATABASE_URL": "x"}, "AUTHZ_REPORT_SOCKET: Field required"),
        ({"AUTHZ_REPORT_SOCKET": "/nowhere/s", "AUTHZ_DATABASE_URL": "x"}, "/nowhere"),
    ],
)
def test_what_it_cannot_start_with_is_told_in_a_sentence(
    settings: dict[str, str], told: str
) -> None:
    """And by the exit status."""
    done = _run(settings)
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def _run(settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "authz", "report"],
        env={"PATH": os.defpath, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
