"""A receiver's start and stop, and what it does when others are away."""

import secrets
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from contract.keys import mint_key
from tests import unencrypted
from tests.certificates import Authority
from tests.leaks.admin_double import HOST, AdminDouble, over_socket, over_tls
from tests.leaks.conftest import LEAKS_URI, Setup
from tests.leaks.process import run_to_its_end, running_receiver
from tests.leaks.signing import Signer, publish, report_of
from tests.waiting import wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own, whose name is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="leaks-") as name:
        yield Path(name)


def _make_key() -> str:
    return mint_key(secrets.randbelow)


def test_a_report_is_kept_by_its_sender_while_the_admin_api_is_away(
    folder: Path, signer: Signer
) -> None:
    """503 until it is back, on the same address; then the same report revokes the key."""
    authority, admin = Authority(folder), AdminDouble()
    keys_file = folder / "keys.json"
    keys_file.write_bytes(publish([signer]))
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    key = _make_key()
    admin.known[key] = "key-1"
    settings = Setup(folder, authority, port, keys_file).settings()
    with running_receiver(folder, settings) as receiver:
        assert receiver.report(report_of(key), signer).status_code == 503
        assert receiver.client.get("/readyz").status_code == 503
        with over_tls(admin, authority, port):
            wait_until(lambda: receiver.client.get("/readyz").status_code == 200)
            assert receiver.report(report_of(key), signer).status_code == 200
    assert admin.revoked == {"key-1"}


def test_a_report_under_way_is_finished_at_sigterm(
    folder: Path, setup: Setup, admin: AdminDouble, signer: Signer
) -> None:
    """Then the process ends with 0."""
    admin.proceed.clear()
    with running_receiver(folder, setup.settings()) as receiver, ThreadPoolExecutor(1) as thread:
        sending = thread.submit(receiver.report, report_of(_make_key()), signer)
        wait_until(lambda: receiver.metric("leaks_reports_in_progress") == 1)
        receiver.process.terminate()
        admin.proceed.set()
        assert sending.result(timeout=30).status_code == 200
        assert receiver.process.wait(timeout=30) == 0


def test_the_admin_api_may_be_on_a_socket(
    folder: Path, setup: Setup, admin: AdminDouble, signer: Signer
) -> None:
    """On the same machine."""
    settings = {
        "LEAKS_GITHUB_KEYS_FILE": str(setup.keys_file),
        "LEAKS_ADMIN_SOCKET": str(folder / "admin.sock"),
    }
    with over_socket(admin, folder / "admin.sock"), running_receiver(folder, settings) as receiver:
        assert receiver.report(report_of(_make_key()), signer).status_code == 200
    assert len(admin.requests) == 1


def test_a_replaced_certificate_is_used(
    folder: Path, setup: Setup, admin: AdminDouble, signer: Signer
) -> None:
    """From the next report on, without a new start."""
    settings = setup.settings()
    with running_receiver(folder, settings) as receiver:
        assert receiver.report(report_of(_make_key()), signer).status_code == 200
        fresh = setup.authority.issue_for_uri(f"{LEAKS_URI}-2")
        fresh.certificate.replace(settings["LEAKS_ADMIN_CERT"])
        fresh.key.replace(settings["LEAKS_ADMIN_KEY"])
        assert receiver.report(report_of(_make_key()), signer).status_code == 200
    assert f"{LEAKS_URI}-2" in admin.callers


class _Published(BaseHTTPRequestHandler):
    """Answers with the public keys."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def test_public_keys_may_be_fetched(
    folder: Path, setup: Setup, admin: AdminDouble, signer: Signer
) -> None:
    """From the URL that is set; a name that is not among them is unknown."""
    handler = type("Published", (_Published,), {"content": publish([signer])})
    with HTTPServer((HOST, 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            settings = setup.settings() | {
                "LEAKS_GITHUB_KEYS_URL": f"http://{HOST}:{server.server_port}/keys"
            }
            del settings["LEAKS_GITHUB_KEYS_FILE"]
            with running_receiver(folder, settings) as receiver:
                assert receiver.report(report_of(_make_key()), signer).status_code == 200
                assert receiver.report(b"[]", Signer("another")).status_code == 401
                assert receiver.metric('leaks_public_key_fetches_total{outcome="fetched"}') == 1
        finally:
            server.shutdown()
            thread.join(10)
    assert len(admin.requests) == 1


def test_a_report_is_kept_by_its_sender_while_no_public_keys_can_be_fetched(
    folder: Path, setup: Setup, signer: Signer
) -> None:
    """503: it is not the signature that is wrong."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    settings = setup.settings() | {"LEAKS_GITHUB_KEYS_URL": f"http://{HOST}:{port}/keys"}
    del settings["LEAKS_GITHUB_KEYS_FILE"]
    with running_receiver(folder, settings) as receiver:
        answer = receiver.report(b"[]", signer)
        assert answer.json()["error"]["code"] == "public_keys_unavailable"
        assert answer.status_code == receiver.client.get("/readyz").status_code == 503


def test_reports_may_be_taken_over_tcp(folder: Path, setup: Setup, signer: Signer) -> None:
    """At the address that is set."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    settings = setup.settings() | {"LEAKS_ADDRESS": f"{HOST}:{port}"}
    with running_receiver(folder, settings, listens_on_socket=False) as receiver:
        wait_until(lambda: _listens(port), receiver.log.read_text)
        answer = unencrypted.post(
            f"http://{HOST}:{port}/github",
            content=b"[]",
            headers=signer.headers(b"[]"),
        )
        assert answer.status_code == 200


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


_NEEDED = {
    "LEAKS_SOCKET": "/nowhere/leaks.sock",
    "LEAKS_GITHUB_KEYS_URL": "https://keys.example/keys",
    "LEAKS_ADMIN_SOCKET": "/nowhere/admin.sock",
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"LEAKS_SOCKET": None}, "LEAKS_ADDRESS: Set either this or LEAKS_SOCKET"),
        ({"LEAKS_ADDRESS": "127.0.0.1:1"}, "LEAKS_ADDRESS: Set either this or"),
        ({"LEAKS_GITHUB_KEYS_URL": "http://keys.example"}, "LEAKS_GITHUB_KEYS_URL: "),
        ({"LEAKS_GITHUB_KEYS_URL": "https://a:b@keys.example"}, "without a password, for it is"),
        ({"LEAKS_GITHUB_KEYS_URL": "https:///keys"}, "LEAKS_GITHUB_KEYS_URL: "),
        ({"LEAKS_ADMIN_ADDRESS": "admin:1"}, "LEAKS_ADMIN_ADDRESS: Set either this"),
        ({"LEAKS_GITHUB_KEYS_FILE": "/nowhere/keys"}, "/nowhere/keys: No such file"),
        ({"LEAKS_GITHUB_KEYS_FILE": "/dev/null"}, "/dev/null: It is no list of public keys"),
    ],
    ids=str,
)
def test_a_receiver_that_cannot_start_says_why(changes: dict[str, str | None], told: str) -> None:
    """In one sentence, by the setting's name."""
    settings = {**_NEEDED, **changes}
    done = run_to_its_end({name: value for name, value in settings.items() if value is not None})
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_mtls_needs_all_three_files() -> None:
    """An address without an identity is no way to revoke a key."""
    settings = _NEEDED | {"LEAKS_ADMIN_ADDRESS": "admin.example:7443"}
    del settings["LEAKS_ADMIN_SOCKET"]
    told = run_to_its_end(settings).stderr
    for name in ("LEAKS_ADMIN_CA", "LEAKS_ADMIN_CERT", "LEAKS_ADMIN_KEY"):
        assert f"{name}: Needed together with LEAKS_ADMIN_ADDRESS" in told
