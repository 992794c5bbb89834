"""Nobody keeps the others out."""

import asyncio
from contextlib import ExitStack

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo

from authz.domain.administration.actor import Actor, Role
from authz.domain.administration.refusals import BusyError
from authz.rpc.admin.places import CALLS_MAX, STREAMS_MAX, Places
from authz.storage.admin.pool import CONNECTIONS
from proto.tessera.admin.v1.tiers_pb2 import GetTierRequest, GetTierResponse
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import details
from tests.authz.admin_rpc.obliging import Scripted
from tests.authz.admin_rpc.serving import serving
from tests.authz.until import until

_ADA = Actor("ada", Role.READ_ONLY, "192.0.2.7")
_ELSEWHERE = Actor("ada", Role.READ_ONLY, "192.0.2.8")
_BOB = Actor("bob", Role.READ_ONLY, "192.0.2.7")


@pytest.mark.parametrize(("is_stream", "most"), [(False, CALLS_MAX), (True, STREAMS_MAX)])
def test_one_caller_has_so_many_places_and_no_more(*, is_stream: bool, most: int) -> None:
    """From wherever; others have their own, and what is over is free again."""
    places = Places()
    with ExitStack() as held:
        for _ in range(most):
            held.enter_context(places.take(_ADA, "Watch", is_stream=is_stream))
        with pytest.raises(BusyError), places.take(_ELSEWHERE, "Watch", is_stream=is_stream):
            pass
        for actor, kind in ((_BOB, is_stream), (_ADA, not is_stream)):
            with places.take(actor, "Watch", is_stream=kind):
                pass
    with places.take(_ADA, "Watch", is_stream=is_stream):
        pass


def test_the_audit_is_verified_by_two_at_once() -> None:
    """Whoever they are: it costs as much as there are entries."""
    places = Places()
    with ExitStack() as held:
        for actor in (_ADA, _BOB):
            held.enter_context(places.take(actor, "VerifyAudit", is_stream=True))
        carol = Actor("carol", Role.OWNER, "192.0.2.9")
        with pytest.raises(BusyError), places.take(carol, "VerifyAudit", is_stream=True):
            pass


def test_usage_leaves_connections_to_the_other_calls() -> None:
    """However many ask for it: a key can be revoked meanwhile."""
    places = Places()
    with ExitStack() as held:
        for number in range(CONNECTIONS // 2):
            actor = Actor(f"ada-{number}", Role.PORTAL, "192.0.2.7")
            held.enter_context(places.take(actor, "GetUsage", is_stream=False))
        with pytest.raises(BusyError), places.take(_BOB, "GetUsage", is_stream=False):
            pass
        with places.take(_BOB, "RevokeKey", is_stream=False):
            pass


async def test_one_call_too_many_is_told_to_come_again(authority: Authority) -> None:
    """By the server; another caller is answered meanwhile, and those that wait are, too."""
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    scripted = Scripted(wait)
    async with serving(authority, scripted.services()) as server:
        first, second = (server.connect_as("support") for _ in range(2))
        calls = [
            asyncio.create_task(client.call(GetTierRequest(), GetTierResponse))
            for client in (first, second)
            for _ in range(CALLS_MAX // 2)
        ]
        await until(lambda: len(scripted.calls) == CALLS_MAX)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await first.call(GetTierRequest(), GetTierResponse)
        other = asyncio.create_task(
            server.connect_as("portal").call(GetTierRequest(), GetTierResponse)
        )
        await until(lambda: len(scripted.calls) == CALLS_MAX + 1)
        go_on.set()
        await asyncio.gather(*calls, other)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert isinstance(details(caught.value)["RetryInfo"], RetryInfo)
