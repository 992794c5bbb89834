"""A real admin process, on its Unix socket."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests import unencrypted
from tests.authz.admin_rpc.client import Client
from tests.authz.running import IMPATIENT, PEPPER
from tests.authz.until import until, until_told


def local_settings(folder: Path, database_url: str) -> dict[str, str]:
    """Put what an admin process needs into a folder; return its settings, without TCP."""
    (folder / "pepper").write_text(PEPPER)
    (folder / "outbox").mkdir(mode=0o700)
    return {
        "PATH": os.defpath,
        "GRPC_VERBOSITY": "NONE",
        "AUTHZ_DATABASE_URL": database_url,
        "AUTHZ_PEPPER_FILE": str(folder / "pepper"),
        "AUTHZ_ADMIN_SOCKET": str(folder / "admin.sock"),
        "AUTHZ_METRICS_SOCKET": str(folder / "metrics.sock"),
        "AUTHZ_AUDIT_HEAD_FILE": str(folder / "head"),
        "AUTHZ_MAIL_OUTBOX": str(folder / "outbox"),
        "AUTHZ_MAIL_FROM": "keys@example.com",
        "AUTHZ_MAIL_SUPPORT": "support@example.com",
        "AUTHZ_PUBLIC_BASE_URL": "https://api.example.com/v1",
    }


@dataclass(slots=True)
class AdminProcess:
    """The process, its folder, and what it is told."""

    folder: Path
    settings: Mapping[str, str]
    popen: "subprocess.Popen[bytes] | None" = None
    clients: list[Client] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What it writes to standard error."""
        return self.folder / "log"

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "authz", "admin"], env=self.settings, stderr=output
            )

    def refuse(self, **settings: str | None) -> str:
        """Start it with other settings, with which it does not; return its last words."""
        changed = {**self.settings, **settings}
        done = subprocess.run(
            [sys.executable, "-m", "authz", "admin"],
            env={name: value for name, value in changed.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        return done.stderr

    def connect(self) -> Client:
        """Connect over the Unix socket."""
        address = f"unix:{self.folder / 'admin.sock'}"
        return self._keep(grpc.aio.insecure_channel(address, IMPATIENT))

    def connect_over_tcp(self, credentials: grpc.ChannelCredentials) -> Client:
        """Connect over TCP."""
        address = self.settings["AUTHZ_ADMIN_ADDRESS"]
        return self._keep(grpc.aio.secure_channel(address, credentials, IMPATIENT))

    def _keep(self, channel: grpc.aio.Channel) -> Client:
        self.clients.append(Client(channel))
        return self.clients[-1]

    async def says(self, serving: bool) -> None:  # noqa: FBT001 the one thing that health tells
        """Return once health says so."""
        stub = health_pb2_grpc.HealthStub(self.connect().channel)
        request = health_pb2.HealthCheckRequest(service="tessera.admin.v1.KeyService")
        wanted = health_pb2.HealthCheckResponse.SERVING

        async def is_said() -> bool:
            answer = await stub.Check(request, timeout=20, wait_for_ready=True)
            return (answer.status == wanted) is serving

        await until_told(is_said)

    async def metrics(self) -> str:
        """Scrape it."""
        async with unencrypted.async_client_of(self.folder / "metrics.sock") as client:
            return (await client.get("/metrics")).text

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what it has logged of one kind."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line for line in lines if line["event"] == event]

    async def stop(self) -> int:
        """Ask it to end, and return its status."""
        assert self.popen is not None
        self.popen.send_signal(signal.SIGTERM)
        await until(lambda: self.popen is not None and self.popen.poll() is not None)
        return self.popen.wait()

    async def clean_up(self) -> None:
        """End it whatever it does."""
        for client in self.clients:
            await client.close()
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait(20)
