"""Revokes leaked keys through the admin API."""

import asyncio
from typing import Final

import grpc

from leaks.admin_channel import AdminChannel
from leaks.receive import NotRevokedError
from leaks.report import Finding
from proto.tessera.admin.v1.keys_pb2 import RevokeLeakedKeyRequest, RevokeLeakedKeyResponse

_METHOD: Final = "/tessera.admin.v1.KeyService/RevokeLeakedKey"
_REPORTER: Final = "GitHub secret scanning"
_READY_SECONDS: Final = 1.0


class AdminRevoker:
    """Calls `RevokeLeakedKey`, once for each finding."""

    def __init__(self, channel: AdminChannel, timeout_seconds: float) -> None:
        self._channel = channel
        self._timeout_seconds = timeout_seconds

    async def revoke(self, finding: Finding) -> str | None:
        """Return the key's id, or nothing where it is none. Raises `NotRevokedError`."""
        try:
            response = await self._call(to_request(finding))
        except grpc.aio.AioRpcError as error:
            # Not its details: a server may repeat in them what it was sent.
            raise NotRevokedError(error.code().name) from None
        except OSError as error:
            raise NotRevokedError(f"{error.filename}: {error.strerror}") from None
        return response.key.id if response.known else None

    async def _call(self, request: RevokeLeakedKeyRequest) -> RevokeLeakedKeyResponse:
        channel = await self._channel.get()
        call = channel.unary_unary(
            _METHOD,
            request_serializer=RevokeLeakedKeyRequest.SerializeToString,
            response_deserializer=RevokeLeakedKeyResponse.FromString,
        )
        response: RevokeLeakedKeyResponse = await call(request, timeout=self._timeout_seconds)
        return response

    async def is_ready(self) -> bool:
        """Tell whether there is a connection, or one can be made within a second."""
        try:
            channel = await self._channel.get()
            async with asyncio.timeout(_READY_SECONDS):
                await channel.channel_ready()
        except (OSError, TimeoutError):
            return False
        return True


def to_request(finding: Finding) -> RevokeLeakedKeyRequest:
    """Write a finding as the admin API takes it; the same one is always the same request."""
    return RevokeLeakedKeyRequest(
        secret=finding.token,
        found_at=finding.found_at,
        reporter=_REPORTER,
        request_id=str(finding.request_id),
    )
