"""What every call passes, on a real server whose servicers are made up."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, ResourceInfo, RetryInfo
from structlog.testing import capture_logs

from authz.domain.administration.actor import Actor, Role
from authz.domain.administration.refusals import NotFoundError
from authz.domain.undecided import DatabaseError
from proto.tessera.admin.v1.audit_pb2 import VerifyAuditRequest, VerifyAuditResponse
from proto.tessera.admin.v1.tiers_pb2 import GetTierRequest, GetTierResponse
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import Client, details
from tests.authz.admin_rpc.obliging import Scripted
from tests.authz.admin_rpc.serving import Serving, serving
from tests.authz.until import until


async def _nothing() -> None:
    pass


async def _for_ever() -> None:
    await asyncio.Event().wait()


def _raises(error: Exception) -> Scripted:
    async def fail() -> None:
        raise error

    return Scripted(fail)


async def _failure_of(client: Client) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.call(GetTierRequest(), GetTierResponse)
    return caught.value


async def _failure(authority: Authority, error: Exception) -> grpc.aio.AioRpcError:
    async with serving(authority, _raises(error).services()) as server:
        return await _failure_of(server.connect_locally())


async def test_a_servicer_learns_who_calls(authority: Authority) -> None:
    """From the socket, and from a certificate."""
    scripted = Scripted(_nothing)
    async with serving(authority, scripted.services()) as server:
        await server.connect_locally().call(GetTierRequest(), GetTierResponse)
        await server.connect_as("portal", "web").call(GetTierRequest(), GetTierResponse)
    local, remote = (call.actor for call in scripted.calls)
    assert local == Actor("local", Role.OWNER, "unix")
    assert remote == Actor("web", Role.PORTAL, "127.0.0.1")
    assert {call.method for call in scripted.calls} == {"GetTier"}


async def test_a_refusal_comes_with_its_details(authority: Authority) -> None:
    """As programs read them, beside the sentence for people."""
    error = await _failure(authority, NotFoundError("tier", "gold", "There is no tier gold."))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    resource, info = details(error)["ResourceInfo"], details(error)["ErrorInfo"]
    assert isinstance(resource, ResourceInfo)
    assert isinstance(info, ErrorInfo)
    assert (resource.resource_type, resource.resource_name) == ("tier", "gold")
    assert (info.domain, info.reason) == ("tessera", "NOT_FOUND")


async def test_a_database_that_is_away_asks_for_patience(authority: Authority) -> None:
    """And does not say what it is."""
    error = await _failure(authority, DatabaseError("ConnectionRefusedError"))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    retry = details(error)["RetryInfo"]
    assert isinstance(retry, RetryInfo)
    assert retry.retry_delay.ToTimedelta() > timedelta()
    assert "Refused" not in str(error.details())


async def test_what_nobody_expected_is_told_to_nobody(authority: Authority) -> None:
    """The caller learns nothing; the log where it happened, not the error's own words."""
    with capture_logs() as logs:
        error = await _failure(authority, KeyError("sk-tessera-private"))
    assert error.code() is grpc.StatusCode.INTERNAL
    [failed] = [line for line in logs if line["event"] == "call.failed"]
    assert failed["error"] == "KeyError"
    assert any("obliging.py" in frame for frame in failed["where"])
    assert "private" not in f"{error} {details(error)} {logs}"


async def test_a_stream_fails_as_a_single_call_does(authority: Authority) -> None:
    """What it sent before has arrived."""
    scripted = _raises(NotFoundError("tier", "gold", "gone"))
    async with serving(authority, scripted.services()) as server:
        client = server.connect_locally()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.stream(VerifyAuditRequest(), VerifyAuditResponse)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert "ResourceInfo" in details(caught.value)


async def test_a_stream_that_ends_well_is_whole(authority: Authority) -> None:
    """Written by the gate, message by message."""
    async with serving(authority, Scripted(_nothing).services()) as server:
        sent = await server.connect_locally().stream(VerifyAuditRequest(), VerifyAuditResponse)
    assert [one.verified for one in sent] == [1]


@pytest.mark.parametrize("method", ["GetTier", "VerifyAudit"])
async def test_no_call_takes_longer_than_its_limit(authority: Authority, method: str) -> None:
    """Whatever its caller allows, a stream or not."""
    services = Scripted(_for_ever).services()
    async with serving(authority, services, lambda *_: 0.05) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.connect_locally().send(method, b"")
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "ErrorInfo" in details(caught.value)


async def test_work_ends_when_the_caller_leaves(authority: Authority) -> None:
    """And is counted as such."""
    scripted = Scripted(_for_ever)
    async with serving(authority, scripted.services()) as server:
        call = asyncio.create_task(server.connect_locally().call(GetTierRequest(), GetTierResponse))
        await scripted.began.wait()
        call.cancel()
        await until(lambda: _count(server, "GetTier", "owner", "CANCELLED") == 1)


async def test_calls_are_counted_by_method_role_and_code(authority: Authority) -> None:
    """Those of callers who are not known, too."""
    async with serving(authority, Scripted(_nothing).services()) as server:
        await server.connect_as("support").call(GetTierRequest(), GetTierResponse)
        await _failure_of(server.connect_as("leaks"))
        await _failure_of(server.connect(authority.sign_client()))
        assert _count(server, "GetTier", "support", "OK") == 1
        assert _count(server, "GetTier", "leaks", "PERMISSION_DENIED") == 1
        assert _count(server, "GetTier", "unknown", "UNAUTHENTICATED") == 1
        seconds = ("authz_admin_call_seconds_count", {"method": "GetTier"})
        assert server.registry.get_sample_value(*seconds) == 3


async def test_a_call_that_runs_when_the_server_stops_is_answered(authority: Authority) -> None:
    """Within the grace it is given; nobody else gets in."""
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    scripted = Scripted(wait)
    async with serving(authority, scripted.services()) as server:
        client = server.connect_locally()
        call = asyncio.create_task(client.call(GetTierRequest(), GetTierResponse))
        await scripted.began.wait()
        stopping = asyncio.create_task(server.server.stop(10))
        late = await _failure_of(server.connect_locally())
        go_on.set()
        assert await call == GetTierResponse()
        await stopping
    assert late.code() is grpc.StatusCode.UNAVAILABLE


def _count(server: Serving, method: str, role: str, code: str) -> float | None:
    labels = {"method": method, "role": role, "code": code}
    return server.registry.get_sample_value("authz_admin_calls_total", labels)
