"""A real authz process, asked as Envoy asks it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authz.domain.pepper import Pepper, Peppers
from authz.seed import seed_demo
from authz.storage.migrate import migrate
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest, CheckResponse
from tests import unencrypted
from tests.authz.until import until, until_told

PEPPER = "5e" * 32
ACCESS_LOG: Final = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"
IMPATIENT: Final = (
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.max_reconnect_backoff_ms", 50),
)
"""Options of a channel to a process that does not listen yet: gRPC would wait for a second."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authz process needs, in one folder."""

    folder: Path
    database_url: str
    model_folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The settings, as environment variables; every waiting time is short."""
        pepper = self.folder / "pepper"
        if not pepper.exists():
            pepper.write_text(PEPPER)
        return {
            "PATH": os.defpath,
            "AUTHZ_DATABASE_URL": self.database_url,
            "AUTHZ_PEPPER_FILE": str(pepper),
            "AUTHZ_SOCKET": str(self.folder / "authz.sock"),
            "AUTHZ_METRICS_SOCKET": str(self.folder / "metrics.sock"),
            "AUTHZ_MODEL_FOLDER": str(self.model_folder),
            "AUTHZ_SNAPSHOT_FILE": str(self.folder / "snapshot"),
            "AUTHZ_USAGE_JOURNAL": str(self.folder / "usage"),
            "AUTHZ_USAGE_DRAIN_SECONDS": "0.2",
            "AUTHZ_FAILURES_FILE": str(self.folder / "failures.jsonl"),
            "AUTHZ_SNAPSHOT_INTERVAL_SECONDS": "0.2",
            "AUTHZ_DIRECTORY_POLL_SECONDS": "0.2",
            "AUTHZ_OUTAGE_PROBE_SECONDS": "0.2",
            "AUTHZ_PEPPER_FILE_POLL_SECONDS": "0.1",
            "AUTHZ_KEY_USES_INTERVAL_SECONDS": "0.1",
        }

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of authz to its end."""
        return subprocess.run(
            [sys.executable, "-m", "authz", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    async def seed(self) -> str:
        """Migrate, make the demo account, and return its key."""
        connection = await asyncpg.connect(self.database_url)
        await migrate(connection)
        await seed_demo(connection, Peppers.parse(PEPPER), self.folder / "key")
        connection.terminate()
        return (self.folder / "key").read_text().strip()


class Authz:
    """`python -m authz serve`, from start to stop."""

    def __init__(self, setup: Setup, settings: Mapping[str, str] | None = None) -> None:
        self._setup = setup
        self.log = setup.folder / "authz.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "authz", "serve"],
                env=setup.environment | dict(settings or {}),
                stderr=output,
            )
        self.connect()

    def connect(self) -> None:
        """Open a channel that belongs to the event loop of the test that calls."""
        address = f"unix:{self._setup.folder / 'authz.sock'}"
        self.channel = grpc.aio.insecure_channel(address, IMPATIENT)

    async def check(
        self,
        key: str,
        body: bytes = b'{"input":"hello","model":"Qwen/Qwen3-Embedding-8B"}',
        method: str = "POST",
        path: str = "/v1/embeddings",
        address: str = "192.0.2.1",
    ) -> CheckResponse:
        """Ask about one request."""
        request = CheckRequest()
        http = request.attributes.request.http
        http.method, http.path, http.raw_body = method, path, body
        http.headers["authorization"] = f"Bearer {key}"
        http.headers["x-tessera-client-address"] = address
        return CheckResponse.FromString(await self.call(request.SerializeToString()))

    async def call(self, request: bytes) -> bytes:
        """Send the bytes of a check, whatever they are."""
        check = self.channel.unary_unary("/envoy.service.auth.v3.Authorization/Check", None, None)
        answer: bytes = await check(request, timeout=20, wait_for_ready=True)
        return answer

    async def status(self, key: str) -> int:
        """Return the HTTP status that a request with this key gets, 200 where it may pass."""
        return (await self.check(key)).denied_response.status.code or 200

    async def reaches(self, key: str, status: int) -> None:
        """Return once a request with this key gets this status."""

        async def is_reached() -> bool:
            return await self.status(key) == status

        await until_told(is_reached)

    async def serves(self) -> None:
        """Return once the process says that it is healthy."""
        await until_told(self.is_healthy)

    async def is_healthy(self) -> bool:
        """Ask the standard health service."""
        stub = health_pb2_grpc.HealthStub(self.channel)
        request = health_pb2.HealthCheckRequest()
        answer = await stub.Check(request, timeout=20, wait_for_ready=True)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def metrics(self) -> str:
        """Scrape the process."""
        async with unencrypted.async_client_of(self._setup.folder / "metrics.sock") as client:
            return (await client.get("/metrics")).text

    async def logs(self, event: str) -> None:
        """Return once an event was logged."""
        await until(lambda: event in self.events())

    def events(self) -> list[str]:
        """Return all events that were logged."""
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()]

    async def stop(self) -> int:
        """Ask the process to end, wait until it has, and return its status."""
        await self.channel.close(None)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        """End the process without a word."""
        self.process.kill()
        self.process.wait(20)


@asynccontextmanager
async def discreet(setup: Setup, key: str) -> AsyncIterator[Authz]:
    """Yield a healthy process; afterwards its log must not have given a secret away."""
    authz = Authz(setup)
    try:
        await authz.serves()
        yield authz
    finally:
        authz.kill()
    log = authz.log.read_text()
    digest = Pepper.parse(PEPPER).digest_key(key)
    for secret in (key, key[20:40], PEPPER, digest.hex(), setup.database_url, "hello"):
        assert secret not in log
