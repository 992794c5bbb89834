"""Keys on the wire."""

from collections.abc import Mapping
from typing import Final

from authz.domain.administration.records import KeyListStatus, KeyRecord
from authz.rpc.admin.times import to_timestamp
from proto.tessera.admin.v1 import keys_pb2
from proto.tessera.admin.v1.keys_pb2 import Key

KEY_STATUSES: Final[Mapping[int, KeyListStatus]] = {
    keys_pb2.KEY_STATUS_ACTIVE: KeyListStatus.ACTIVE,
    keys_pb2.KEY_STATUS_EXPIRED: KeyListStatus.EXPIRED,
    keys_pb2.KEY_STATUS_REVOKED: KeyListStatus.REVOKED,
}


def to_key(record: KeyRecord) -> Key:
    """Write a key."""
    return Key(
        id=str(record.id),
        account_id=str(record.account_id),
        name=record.name,
        environment=record.environment,
        scopes=sorted(record.scopes),
        networks=[str(network) for network in record.networks],
        status=f"KEY_STATUS_{record.status.name}",
        create_time=to_timestamp(record.created_at),
        expire_time=to_timestamp(record.expires_at),
        revoke_time=to_timestamp(record.revoked_at),
        last_use_time=to_timestamp(record.last_used_at),
        prefix=record.prefix,
        last_four=record.last_four,
        replaces=str(record.replaces or ""),
        replaced_by=str(record.replaced_by or ""),
        requests_per_minute=record.requests_per_minute,
        tokens_per_minute=record.tokens_per_minute,
    )
