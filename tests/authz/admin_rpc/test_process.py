"""`python -m authz admin`, the real process on a real PostgreSQL."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from authz.domain.pepper import Pepper
from proto.tessera.admin.v1.accounts_pb2 import (
    CreateAccountRequest,
    CreateAccountResponse,
    FirstKey,
    GetAccountRequest,
)
from proto.tessera.admin.v1.keys_pb2 import (
    IssueKeyRequest,
    IssueKeyResponse,
    RevokeLeakedKeyRequest,
    RevokeLeakedKeyResponse,
)
from proto.tessera.admin.v1.tiers_pb2 import ListTiersRequest, ListTiersResponse
from stack.ports import free_ports
from stack.postgres import Postgres
from tests.authz.admin_rpc.admin_process import AdminProcess, local_settings
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import details
from tests.authz.logins import ADMIN, login_url
from tests.authz.running import PEPPER


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="tessera-admin-") as name:
        yield Path(name)


@pytest.fixture
async def process(
    folder: Path, migrated_url: str, authority: Authority
) -> AsyncIterator[AdminProcess]:
    """The process with all that it needs, not started."""
    files = authority.write_server_files(folder)
    settings = local_settings(folder, login_url(migrated_url, ADMIN)) | {
        "AUTHZ_ADMIN_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
        "AUTHZ_ADMIN_TLS_CERTIFICATE": str(files.certificate),
        "AUTHZ_ADMIN_TLS_KEY": str(files.key),
        "AUTHZ_ADMIN_TLS_CLIENT_CA": str(files.client_ca),
    }
    process = AdminProcess(folder, settings)
    yield process
    await process.clean_up()


async def test_a_call_is_logged_and_counted_and_no_secret_is(
    process: AdminProcess, authority: Authority
) -> None:
    """Who, what, what came of it, how long: nothing that was asked or answered."""
    process.start()
    await process.says(serving=True)
    new = CreateAccountRequest(
        name="acme", email="ada@example.com", tier="standard", first_key=FirstKey()
    )
    await process.connect().call(new, CreateAccountResponse)
    support = process.connect_over_tcp(authority.sign_client("spiffe://tessera/admin/support/bob"))
    issue = IssueKeyRequest(account="acme", name="private name", environment="prod")
    secret = (await support.call(issue, IssueKeyResponse)).secret
    leaked = RevokeLeakedKeyRequest(secret=secret, found_at="https://example.com/found")
    await support.call(leaked, RevokeLeakedKeyResponse)
    with pytest.raises(grpc.aio.AioRpcError):
        await support.call(GetAccountRequest(account="private person"), CreateAccountResponse)
    issued = [line for line in process.lines("call.ended") if line["method"] == "IssueKey"]
    [line] = issued
    assert (line["actor"], line["role"], line["address"]) == ("bob", "support", "127.0.0.1")
    assert line["code"] == "OK"
    assert len(line["request_id"]) == 36
    assert line["milliseconds"] > 0
    labels = 'code="OK",method="IssueKey",role="support"'
    assert f"authz_admin_calls_total{{{labels}}} 1.0" in await process.metrics()
    [mail] = (process.folder / "outbox").glob("*.eml")
    assert await process.stop() == 0
    log = process.log.read_text()
    digest = Pepper.parse(PEPPER).digest_key(secret).hex()
    private = (secret, secret[-20:], digest, PEPPER, "postgresql://", "private", "ada@", "found")
    assert [each for each in private if each in log] == []
    assert mail.stat().st_mode & 0o077 == 0
    assert process.lines("call.failed") == []


async def test_postgresql_may_come_later(
    process: AdminProcess, folder: Path, postgres_server: Postgres
) -> None:
    """Until it does the process says so, and answers that it cannot do anything."""
    there = str(postgres_server.sockets)
    url = process.settings["AUTHZ_DATABASE_URL"].replace(there, str(folder / "pg"))
    process.settings = {**process.settings, "AUTHZ_DATABASE_URL": url}
    process.start()
    await process.says(serving=False)
    client = process.connect()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.call(ListTiersRequest(), ListTiersResponse)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "RetryInfo" in details(caught.value)
    [line] = process.lines("health.changed")
    assert line["is_database_up"] is False
    (folder / "pg").symlink_to(there)
    await process.says(serving=True)
    assert (await client.call(ListTiersRequest(), ListTiersResponse)).tiers
    assert await process.stop() == 0


async def test_a_second_one_does_not_take_the_socket_of_the_first(process: AdminProcess) -> None:
    """Whoever calls would not know whom they reach; the first answers on."""
    process.start()
    await process.says(serving=True)
    said = process.refuse(AUTHZ_METRICS_SOCKET=str(process.folder / "other.sock"))
    assert "Another process runs at" in said
    assert len(said.splitlines()) == 1
    await process.says(serving=True)


async def test_it_does_not_start_where_it_cannot_be_reached(process: AdminProcess) -> None:
    """And says why in one sentence, which shows nothing of what is in a file."""
    for settings, sentence in (
        ({"AUTHZ_ADMIN_TLS_KEY": process.settings["AUTHZ_PEPPER_FILE"]}, "is no PEM file"),
        ({"AUTHZ_ADMIN_ADDRESS": "192.0.2.1:4711"}, "impossible to listen on 192.0.2.1:4711"),
        ({"AUTHZ_ADMIN_TLS_KEY": None}, "AUTHZ_ADMIN_TLS_KEY: Goes together with"),
    ):
        said = process.refuse(**settings)
        assert sentence in said
        assert len(said.splitlines()) == 1
        assert PEPPER not in said
