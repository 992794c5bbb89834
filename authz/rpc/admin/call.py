"""One call as the servicers see it, and the change it asks for."""

import hashlib
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog
from google.protobuf.message import Message

from authz.domain.administration.actor import Actor, ChangeRequest
from authz.rpc.admin.fields import WireFields

_HOW: Final = ("request_id", "wait", "timeout")
"""Fields that say how a call is made, and not what it changes."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and what."""

    actor: Actor
    method: str

    def change(self, request: Message, fields: WireFields) -> ChangeRequest:
        """Read what the request asks for, and what makes it known again when it is sent again."""
        text: str = getattr(request, "request_id")  # noqa: B009 each request for a change has one
        request_id = fields.id("request_id", text) if text else uuid4()
        structlog.contextvars.bind_contextvars(request_id=str(request_id))
        return ChangeRequest(self.actor, self.method, request_id, digest(request))


def digest(request: Message) -> bytes:
    """Return the SHA-256 of what a request asks for, however it is sent."""
    what = type(request)()
    what.CopyFrom(request)
    for name in _HOW:
        if name in what.DESCRIPTOR.fields_by_name:
            what.ClearField(name)
    return hashlib.sha256(what.SerializeToString(deterministic=True)).digest()
