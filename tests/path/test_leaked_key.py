"""A key that GitHub found: from a signed report to a customer who is warned, on the real parts."""

import json
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from cli.main import app
from stack import services
from stack.launch import RunningStack
from stack.plan import database_url
from stack.ports import free_ports
from stack.spawn import spawn
from tests import unencrypted
from tests.leaks.process import Receiver, running_receiver
from tests.leaks.signing import Signer, publish, report_of
from tests.waiting import wait_until

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Remote:
    """An admin server as others reach it, and a folder with everybody's certificates."""

    folder: Path
    address: str

    def tessera(self, *words: str) -> str:
        """Run a command as its owner."""
        return _tessera(*words, *self._identity("owner-alice"))

    def receiver_settings(self, keys_file: Path) -> dict[str, str]:
        """Return what a receiver needs to be told."""
        _, address, _, ca, _, certificate, _, key = self._identity("leaks-receiver")
        return {
            "LEAKS_GITHUB_KEYS_FILE": str(keys_file),
            "LEAKS_ADMIN_ADDRESS": address,
            "LEAKS_ADMIN_CA": ca,
            "LEAKS_ADMIN_CERT": certificate,
            "LEAKS_ADMIN_KEY": key,
        }

    def _identity(self, name: str) -> tuple[str, ...]:
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"
        return (
            *("--address", self.address, "--ca", str(self.folder / "ca.pem")),
            *("--cert", str(certificate), "--key", str(key)),
        )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="leaked-") as name:
        yield Path(name)


@pytest.fixture
def remote(stack: RunningStack, folder: Path) -> Iterator[Remote]:
    """One more admin server of the stack, over mTLS, as docs/administration.md sets it up."""
    _tessera("certs", "init", "--out", str(folder))
    _tessera("certs", "issue-server", "--host", _HOST, "--out", str(folder))
    for role, name in (("owner", "alice"), ("leaks", "receiver")):
        _tessera("certs", "issue", "--role", role, "--name", name, "--out", str(folder))
    port = free_ports(1)[0]
    settings = {
        "AUTHZ_ADMIN_ADDRESS": f"{_HOST}:{port}",
        "AUTHZ_ADMIN_TLS_CERTIFICATE": str(folder / "server.pem"),
        "AUTHZ_ADMIN_TLS_KEY": str(folder / "server-key.pem"),
        "AUTHZ_ADMIN_TLS_CLIENT_CA": str(folder / "ca.pem"),
        "AUTHZ_ADMIN_SOCKET": str(folder / "admin.sock"),
        "AUTHZ_METRICS_SOCKET": str(folder / "metrics.sock"),
        "AUTHZ_AUDIT_HEAD_FILE": str(folder / "head"),
    }
    url = database_url(stack.layout)
    process = services.admin(stack.layout, url, stack.base_url, settings, after=())
    log = folder / "admin.log"
    spawned = spawn(process.command, log)
    try:
        wait_until(lambda: _listens(port), log.read_text)
        yield Remote(folder, f"{_HOST}:{port}")
    finally:
        spawned.stop()
        spawned.wait(timeout_seconds=20)


def test_a_key_that_github_reports_is_dead_and_its_owner_warned(
    stack: RunningStack, remote: Remote
) -> None:
    """Refused at the front door, in the audit under the receiver's name, told by mail."""
    signer, keys_file = Signer(), remote.folder / "keys.json"
    keys_file.write_bytes(publish([signer]))
    email, name = f"{uuid4()}@example.com", f"test {uuid4()}"
    new = ("--name", name, "--email", email, "--tier", "standard", "--no-key")
    remote.tessera("accounts", "create", *new)
    spec = ("--account", name, "--name", "shop", "--environment", "prod")
    issued = json.loads(remote.tessera("keys", "issue", *spec, "--output", "json"))
    wait_until(lambda: _status(stack, issued["secret"]) == 200)

    with running_receiver(remote.folder, remote.receiver_settings(keys_file)) as receiver:
        assert _report(receiver, issued["secret"], signer) == ["true_positive"]

    wait_until(lambda: _status(stack, issued["secret"]) == 401)
    options = ("--subject", issued["key"]["id"], "--limit", "1", "--output", "json")
    [entry] = json.loads(remote.tessera("audit", "list", *options))["entries"]
    told = (entry["actor"], entry["role"], entry["address"], entry["method"])
    assert told == ("receiver", "leaks", _HOST, "RevokeLeakedKey")
    remote.tessera("audit", "verify")
    wait_until(lambda: _was_mailed(stack, email))


def _report(receiver: Receiver, key: str, signer: Signer) -> list[str]:
    answer = receiver.report(report_of(key), signer)
    assert answer.status_code == 200
    return [each["label"] for each in answer.json()]


def _tessera(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def _status(stack: RunningStack, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return unencrypted.get(f"{stack.base_url}/models", headers=headers, timeout=5).status_code


def _was_mailed(stack: RunningStack, email: str) -> bool:
    mails = (file.read_text() for file in stack.layout.outbox.glob("*.eml"))
    return any(email in mail and "found in public" in mail for mail in mails)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0
