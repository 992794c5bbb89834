"""KeyService."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from authz.domain.administration.fields import GRACE_MAX
from authz.rpc.admin.call import Call
from authz.rpc.admin.deadlines import WAIT_MAX
from authz.rpc.admin.fields import WireFields, reading
from authz.rpc.admin.key_messages import KEY_STATUSES, to_key
from authz.rpc.admin.process_messages import to_process
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.keys import KeyChanges, KeyFilter, Keys, KeySpec
from proto.tessera.admin.v1.keys_pb2 import (
    GetKeyRequest,
    GetKeyResponse,
    IssueKeyRequest,
    IssueKeyResponse,
    ListKeysRequest,
    ListKeysResponse,
    RevokeKeyRequest,
    RevokeKeyResponse,
    RevokeLeakedKeyRequest,
    RevokeLeakedKeyResponse,
    RotateKeyRequest,
    RotateKeyResponse,
    UpdateKeyRequest,
    UpdateKeyResponse,
)

_CHANGEABLE: Final = (
    *("name", "environment", "scopes", "networks"),
    *("requests_per_minute", "tokens_per_minute"),
)
_GRACE: Final = timedelta(hours=24)
_WAIT: Final = timedelta(seconds=10)


class KeyServicer:
    """Unpacks, calls, packs."""

    def __init__(
        self, keys: Keys, acknowledgements: Acknowledgements, now: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._acknowledgements = acknowledgements
        self._now = now

    async def issue_key(self, request: IssueKeyRequest, call: Call) -> IssueKeyResponse:
        """Make a key."""
        with reading() as fields:
            change = call.change(request, fields)
            spec = KeySpec(
                account=fields.required("account", request.account),
                name=request.name,
                environment=request.environment,
                scopes=tuple(request.scopes),
                networks=tuple(request.networks),
                expires_at=_read_expiry(request, fields),
                requests_per_minute=request.requests_per_minute,
                tokens_per_minute=request.tokens_per_minute,
            )
        issued = await self._keys.issue(change, spec)
        return IssueKeyResponse(key=to_key(issued.key), secret=issued.secret or "")

    async def get_key(self, request: GetKeyRequest, _: Call) -> GetKeyResponse:
        """Return one key."""
        with reading() as fields:
            key_id = str(fields.id("id", request.id))
        return GetKeyResponse(key=to_key(await self._keys.get(key_id)))

    async def list_keys(self, request: ListKeysRequest, _: Call) -> ListKeysResponse:
        """Return one page of keys."""
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
            status = fields.enum("status", request.status, KEY_STATUSES)
        chosen = KeyFilter(request.account, status, request.environment)
        found = await self._keys.list(chosen, page)
        return ListKeysResponse(
            keys=map(to_key, found.items), next_page_token=found.next_token or ""
        )

    async def update_key(self, request: UpdateKeyRequest, call: Call) -> UpdateKeyResponse:
        """Change what the mask names."""
        with reading() as fields:
            change = call.change(request, fields)
            key_id = str(fields.id("key.id", request.key.id))
            changes = _read_changes(request, fields)
        key = await self._keys.update(change, key_id, changes)
        return UpdateKeyResponse(key=to_key(key))

    async def rotate_key(self, request: RotateKeyRequest, call: Call) -> RotateKeyResponse:
        """Make a key that takes another's place."""
        with reading() as fields:
            change = call.change(request, fields)
            key_id = str(fields.id("id", request.id))
            grace = _GRACE
            if request.HasField("grace"):
                grace = fields.duration("grace", request.grace, GRACE_MAX)
            expires_at = _read_expiry(request, fields)
        rotated = await self._keys.rotate(change, key_id, grace, expires_at)
        return RotateKeyResponse(
            key=to_key(rotated.key),
            secret=rotated.secret or "",
            replaced=to_key(rotated.replaced),
        )

    async def revoke_key(self, request: RevokeKeyRequest, call: Call) -> RevokeKeyResponse:
        """End a key, and see where it is refused."""
        with reading() as fields:
            change = call.change(request, fields)
            key_id = str(fields.id("id", request.id))
            patience = _read_patience(request, fields)
        revoked = await self._keys.revoke(change, key_id, request.reason)
        laggards = await self._acknowledgements.wait(revoked.number, patience)
        now = self._now()
        return RevokeKeyResponse(
            key=to_key(revoked.key),
            change_number=revoked.number,
            refused_everywhere=not laggards,
            laggards=[to_process(process, now) for process in laggards],
        )

    async def revoke_leaked_key(
        self, request: RevokeLeakedKeyRequest, call: Call
    ) -> RevokeLeakedKeyResponse:
        """End the key whose text was found somewhere."""
        with reading() as fields:
            change = call.change(request, fields)
            fields.required("secret", request.secret)
            found_at = fields.required("found_at", request.found_at)
        key = await self._keys.revoke_leaked(change, request.secret, found_at, request.reporter)
        if key is None:
            return RevokeLeakedKeyResponse(known=False)
        return RevokeLeakedKeyResponse(known=True, key=to_key(key))


def _read_expiry(
    request: IssueKeyRequest | RotateKeyRequest, fields: WireFields
) -> datetime | None:
    if not request.HasField("expire_time"):
        return None
    return fields.moment("expire_time", request.expire_time)


def _read_patience(request: RevokeKeyRequest, fields: WireFields) -> timedelta:
    """Return how long to wait for processes; not at all is long enough to ask who lags."""
    given = _WAIT
    if request.HasField("timeout"):
        given = fields.duration("timeout", request.timeout, WAIT_MAX)
    return given if request.wait else timedelta()


def _read_changes(request: UpdateKeyRequest, fields: WireFields) -> KeyChanges:
    mask = fields.changed(request.update_mask, _CHANGEABLE)
    sent = request.key
    return KeyChanges(
        name=sent.name if "name" in mask else None,
        environment=sent.environment if "environment" in mask else None,
        scopes=tuple(sent.scopes) if "scopes" in mask else None,
        networks=tuple(sent.networks) if "networks" in mask else None,
        requests_per_minute=sent.requests_per_minute if "requests_per_minute" in mask else None,
        tokens_per_minute=sent.tokens_per_minute if "tokens_per_minute" in mask else None,
    )
