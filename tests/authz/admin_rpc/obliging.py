"""Servicers that are made up: they do whatever a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from authz.rpc.admin.call import Call
from authz.rpc.admin.handlers import Handlers, make_handlers
from proto.tessera.admin.v1.audit_pb2 import VerifyAuditRequest, VerifyAuditResponse
from proto.tessera.admin.v1.tiers_pb2 import GetTierRequest, GetTierResponse
from tests.authz.admin_rpc.client import METHODS, SERVICES


class Obliging:
    """Answers every call of a service with an empty message."""

    def __init__(self, service: ServiceDescriptor) -> None:
        for method in service.methods:
            name = "".join(f"_{c.lower()}" if c.isupper() else c for c in method.name)[1:]
            setattr(self, name, _answer_with(GetMessageClass(method.output_type), method.name))


def obliging_services() -> dict[str, Handlers]:
    """Return every service of the admin API, each answered with nothing."""
    return {service.full_name: make_handlers(service, Obliging(service)) for service in SERVICES}


def _answer_with(kind: type[Message], method: str) -> Callable[[Message, Call], Any]:
    async def answer(_: Message, __: Call) -> Message:
        return kind()

    async def stream(_: Message, __: Call) -> AsyncIterator[Message]:
        yield kind()

    return stream if METHODS[method].server_streaming else answer


@dataclass(slots=True)
class Scripted:
    """Answers one method of one call and one of a stream as the test says."""

    do: Callable[[], Awaitable[None]]
    calls: list[Call] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def get_tier(self, _: GetTierRequest, call: Call) -> GetTierResponse:
        """Do what the test wants, and answer."""
        self.calls.append(call)
        self.began.set()
        await self.do()
        return GetTierResponse()

    async def verify_audit(
        self, _: VerifyAuditRequest, call: Call
    ) -> AsyncIterator[VerifyAuditResponse]:
        """Send one message, and do what the test wants."""
        self.calls.append(call)
        yield VerifyAuditResponse(verified=1)
        await self.do()

    def services(self) -> dict[str, Handlers]:
        """Return every service, these two methods as the test says."""
        return {
            service.full_name: make_handlers(service, self._over(service)) for service in SERVICES
        }

    def _over(self, service: ServiceDescriptor) -> Obliging:
        obliging = Obliging(service)
        for name in ("get_tier", "verify_audit"):
            if hasattr(obliging, name):
                setattr(obliging, name, getattr(self, name))
        return obliging
