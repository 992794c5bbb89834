"""A revocation that is waited for: processes that are frozen, killed, or hear nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from google.protobuf.duration_pb2 import Duration

from proto.tessera.admin.v1.keys_pb2 import (
    IssueKeyRequest,
    IssueKeyResponse,
    RevokeKeyRequest,
    RevokeKeyResponse,
)
from tests.revocation.cluster import Cluster

_READ_ANNOUNCING = "SELECT pg_get_functiondef('record_change'::regproc)"
_REFUSED = [401, 401, 401]


async def test_a_frozen_process_is_named(cluster: Cluster) -> None:
    """It cannot be known to refuse the key, so nobody is told that it does; thawed, it does."""
    key_id, text = await _issue(cluster)
    cluster.freeze("authz-1")
    revoked = await _revoke(cluster, key_id, timeout_seconds=1)
    assert not revoked.refused_everywhere
    assert [process.name for process in revoked.laggards] == ["authz-1"]
    assert await cluster.status("authz-0", text) == 401
    cluster.thaw("authz-1")
    again = await _revoke(cluster, key_id, timeout_seconds=20)
    assert again.refused_everywhere
    assert await cluster.statuses(text) == _REFUSED


async def test_a_killed_process_counts_until_another_takes_its_place(cluster: Cluster) -> None:
    """Dead cannot be told from cut off, until a new process in its place proves it."""
    key_id, text = await _issue(cluster)
    cluster.gates["authz-1"].kill()
    revoked = await _revoke(cluster, key_id, timeout_seconds=1)
    assert [process.name for process in revoked.laggards] == ["authz-1"]
    cluster.revive("authz-1")
    assert (await _revoke(cluster, key_id, timeout_seconds=20)).refused_everywhere
    assert await cluster.statuses(text) == _REFUSED


async def test_a_process_that_was_stopped_counts_no_more(cluster: Cluster) -> None:
    """It said that it answers nobody."""
    key_id, _ = await _issue(cluster)
    assert await cluster.gates["authz-1"].stop() == 0
    assert (await _revoke(cluster, key_id, timeout_seconds=20)).refused_everywhere
    names = [process.name for process in (await cluster.processes()).processes]
    assert names == ["authz-0", "authz-2"]


async def test_a_wait_ends_only_when_every_process_refuses(cluster: Cluster) -> None:
    """With a process frozen and thawed meanwhile: a check sent after the answer is refused."""
    key_id, text = await _issue(cluster)
    cluster.freeze("authz-1")
    wait = asyncio.create_task(_revoke(cluster, key_id, timeout_seconds=20))
    await asyncio.sleep(0.3)
    assert not wait.done()
    cluster.thaw("authz-1")
    assert (await wait).refused_everywhere
    assert await cluster.statuses(text) == _REFUSED


async def test_without_announcements_the_poll_finds_every_change(
    cluster: Cluster, cluster_url: str
) -> None:
    """With NOTIFY cut off the wait still ends with every process refusing."""
    async with _silence(cluster_url):
        key_id, text = await _issue(cluster)
        assert (await _revoke(cluster, key_id, timeout_seconds=20)).refused_everywhere
        assert await cluster.statuses(text) == _REFUSED


async def test_after_every_wait_every_process_refuses(cluster: Cluster) -> None:
    """At the first check, of many keys one after another."""
    account = await cluster.open_account(f"many {uuid4()}")
    request = IssueKeyRequest(account=account, name="test", environment="test")
    issued = [await cluster.call(request, IssueKeyResponse) for _ in range(20)]
    await cluster.settle()
    for each in issued:
        assert (await _revoke(cluster, each.key.id, timeout_seconds=20)).refused_everywhere
        assert await cluster.statuses(each.secret) == _REFUSED


@asynccontextmanager
async def _silence(url: str) -> AsyncIterator[None]:
    """Have changes numbered as ever, and announced to nobody."""
    connection = await asyncpg.connect(url)
    announcing = await connection.fetchval(_READ_ANNOUNCING)
    silent = announcing.replace("PERFORM pg_notify(", "PERFORM concat(")
    assert silent != announcing
    await connection.execute(silent)
    try:
        yield
    finally:
        await connection.execute(announcing)
        await connection.close()


async def _issue(cluster: Cluster) -> tuple[str, str]:
    account = await cluster.open_account(f"laggards {uuid4()}")
    request = IssueKeyRequest(account=account, name="test", environment="test")
    issued = await cluster.issue(request)
    assert await cluster.statuses(issued.secret) == [200, 200, 200]
    return issued.key.id, issued.secret


async def _revoke(cluster: Cluster, key_id: str, timeout_seconds: int) -> RevokeKeyResponse:
    request = RevokeKeyRequest(id=key_id, wait=True, timeout=Duration(seconds=timeout_seconds))
    return await cluster.call(request, RevokeKeyResponse)
